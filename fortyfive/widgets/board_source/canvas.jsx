// The drawing: drag to move, drag from handle to handle to connect, click to select.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Background, MarkerType, ReactFlow, applyNodeChanges, useReactFlow } from "@xyflow/react";
import { Icon } from "./icons.jsx";
import { Arrow, Part } from "./part.jsx";

const DRAGGED = "application/x-fortyfive-kind";
const TYPES = { part: Part };
const ARROWS = { arrow: Arrow };
const FIT = { padding: 0.08, maxZoom: 1 };
const MARKER = { type: MarkerType.ArrowClosed, width: 22, height: 22, markerUnits: "userSpaceOnUse" };

export const linkId = ({ source, target }) => `${source} ${target}`; // no name has a space

export function Palette({ groups, send }) {
  return (
    <div className="ffb-palette" role="group" aria-label="Add a component">
      {groups.map(({ title, kinds }) => (
        <div key={title} className="ffb-group">
          <span>{title}</span>
          {kinds.map(({ word, title: name, what }) => (
            <button
              key={word}
              type="button"
              draggable
              title={`${name}: ${what}. Click to add one, or drag it to its place.`}
              onClick={() => send({ op: "add", kind: word })}
              onDragStart={(event) => event.dataTransfer.setData(DRAGGED, word)}
            >
              <Icon kind={word} />
              {name}
            </button>
          ))}
        </div>
      ))}
    </div>
  );
}

export function Canvas({ state, size, send, remove, frame, picked, setPicked, wanted }) {
  const flow = useReactFlow();
  const [nodes, setNodes] = useState([]);
  const moved = useRef(0); // the message of the last move, before whose answer places are the browser's
  const own = useRef(false); // whether the learner chose what is in sight

  useEffect(() => {
    setNodes((before) => {
      const old = new Map(before.map((node) => [node.id, node]));
      return state.nodes.map((data) => {
        const known = old.get(data.name);
        const [x, y] = data.at;
        const keep = known && (known.dragging || state.seen < moved.current);
        return {
          ...known,
          id: data.name,
          type: "part",
          ariaLabel: spoken(data),
          data,
          position: keep ? known.position : { x, y },
          selected: wanted.current === data.name || (known?.selected ?? false),
          ...size,
        };
      });
    });
    if (state.nodes.some(({ name }) => name === wanted.current)) wanted.current = null;
  }, [state]);

  const fit = useCallback(() => {
    own.current = false;
    flow.fitView(FIT);
  }, [flow]);
  const names = state.nodes.map(({ name }) => name).join(" ");
  useEffect(() => {
    const later = requestAnimationFrame(() => own.current || flow.fitView(FIT));
    return () => cancelAnimationFrame(later);
  }, [names, state.arranged]);
  // A cell may be drawn before it is shown, and its width changes with the window and the sidebars.
  useEffect(() => {
    const observer = new ResizeObserver(() => requestAnimationFrame(() => own.current || flow.fitView(FIT)));
    observer.observe(frame.current);
    return () => observer.disconnect();
  }, []);

  const edges = useMemo(
    () =>
      state.links.map((link) => ({
        id: linkId(link),
        source: link.source,
        target: link.target,
        type: "arrow",
        data: link,
        markerEnd: MARKER,
        selected: picked.links.includes(linkId(link)),
        ariaLabel: `${link.source} ${link.waits ? "->" : "~>"} ${link.target} ${link.words}`,
      })),
    [state.links, picked.links],
  );

  function change(changes) {
    setNodes((before) => applyNodeChanges(changes.filter(({ type }) => type !== "remove"), before));
    const placed = changes.filter((each) => each.type === "position" && each.dragging === false && each.position);
    if (!placed.length) return;
    const places = placed.map(({ id, position }) => [id, [Math.round(position.x), Math.round(position.y)]]);
    moved.current = send({ op: "move", places: Object.fromEntries(places) });
  }

  const select = useCallback(
    ({ nodes: some, edges: others }) => setPicked({ names: some.map(({ id }) => id), links: others.map(({ id }) => id) }),
    [],
  );

  function drop(event) {
    const kind = event.dataTransfer.getData(DRAGGED);
    if (!kind) return;
    event.preventDefault();
    event.stopPropagation();
    const { x, y } = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
    send({ op: "add", kind, at: [Math.round(x - size.width / 2), Math.round(y - size.height / 2)] });
  }

  function key(event) {
    if (!["Delete", "Backspace"].includes(event.key) || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    if (!picked.names.length && !picked.links.length) return;
    event.preventDefault();
    remove();
  }

  return (
    <div
      ref={frame}
      className="ffb-canvas"
      tabIndex={-1}
      role="group"
      aria-label="The drawing. All that it shows and can do, the text can as well."
      onDragOver={(event) => event.dataTransfer.types.includes(DRAGGED) && event.preventDefault()}
      onDrop={drop}
      onKeyDown={key}
    >
      <div className="ffb-tools">
        <button type="button" disabled={!state.undo} title="Undo (Ctrl-Z)" onClick={() => send({ op: "undo" })}>
          Undo
        </button>
        <button type="button" disabled={!state.redo} title="Redo (Ctrl-Shift-Z)" onClick={() => send({ op: "redo" })}>
          Redo
        </button>
        <button type="button" title="Forget where things were dragged to, and lay them out" onClick={() => {
          own.current = false;
          send({ op: "arrange" });
        }}>
          Arrange
        </button>
        <button type="button" title="Show the whole drawing" onClick={fit}>
          Fit
        </button>
        <button type="button" aria-label="Zoom in" title="Zoom in" onClick={() => zoom(1.25)}>
          +
        </button>
        <button type="button" aria-label="Zoom out" title="Zoom out" onClick={() => zoom(0.8)}>
          −
        </button>
      </div>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={TYPES}
        edgeTypes={ARROWS}
        onNodesChange={change}
        onSelectionChange={select}
        onConnect={({ source, target }) => send({ op: "connect", source, target })}
        onMoveEnd={(event) => event && (own.current = true)}
        connectionRadius={36}
        defaultMarkerColor={null}
        minZoom={0.2}
        maxZoom={2}
        zoomOnScroll={false}
        zoomOnDoubleClick={false}
        preventScrolling={false}
        edgesFocusable={false}
        multiSelectionKeyCode="Shift"
        // These would listen to the whole page.
        deleteKeyCode={null}
        panActivationKeyCode={null}
        selectionKeyCode={null}
      >
        <Background gap={20} />
      </ReactFlow>
      {state.nodes.length ? null : (
        <p className="ffb-empty">Click a component above, drag one in, or type <code>client -&gt; service -&gt; db</code>.</p>
      )}
    </div>
  );

  function zoom(factor) {
    own.current = true;
    flow.zoomTo(flow.getZoom() * factor);
  }
}

function spoken({ name, title, instances }) {
  return `${name}, ${title}${instances ? `, ${instances} instances` : ""}`;
}
