// The design as a text, what is wrong with it, and Run: all that a keyboard or a screen reader needs.
import { useEffect, useId, useImperativeHandle, useRef, useState } from "react";
import { newBurst } from "./model.js";

const PAUSE_MS = 200;
// After so long a pause, undo takes back what is typed next by itself.
const REST_MS = 1500;

export function TextPane({ state, send, handle, children }) {
  const id = useId();
  const area = useRef(null);
  const [typed, setTyped] = useState(null); // null: what Python says
  const waiting = useRef(0);
  const last = useRef({ id: 0, burst: "", time: 0 });

  function flush() {
    if (!waiting.current) return;
    clearTimeout(waiting.current);
    waiting.current = 0;
    last.current.id = send({ op: "text", text: area.current.value, burst: last.current.burst });
  }

  // JupyterLab cancels the line break of every text field in a cell, so it is put in here.
  function key(event) {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.altKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    const { selectionStart, selectionEnd } = area.current;
    area.current.setRangeText("\n", selectionStart, selectionEnd, "end");
    change(event);
  }

  function change(event) {
    setTyped(event.target.value);
    if (event.timeStamp - last.current.time > REST_MS) last.current.burst = newBurst();
    last.current.time = event.timeStamp;
    clearTimeout(waiting.current);
    waiting.current = setTimeout(flush, PAUSE_MS);
  }

  // An answer to an older text must not undo what has been typed since.
  useEffect(() => {
    if (!waiting.current && state.seen >= last.current.id) setTyped(null);
  }, [state]);
  useEffect(() => () => flush(), []);
  useImperativeHandle(handle, () => ({ flush, rest: () => (last.current.time = -REST_MS) }));

  function goTo(problem) {
    const lines = area.current.value.split("\n").slice(0, problem.line - 1);
    const place = lines.reduce((sum, line) => sum + line.length + 1, 0) + problem.column - 1;
    area.current.focus();
    area.current.setSelectionRange(place, place);
  }

  return (
    <div className="ffb-text">
      <label htmlFor={id}>The design as text</label>
      <textarea
        id={id}
        ref={area}
        aria-describedby={`${id}-problems`}
        autoCapitalize="off"
        autoCorrect="off"
        placeholder={"client -> service -> db\n# or click a component"}
        spellCheck={false}
        value={typed ?? state.text}
        onBlur={flush}
        onChange={change}
        onKeyDown={key}
      />
      {children}
      <div id={`${id}-problems`} className="ffb-problems" aria-live="polite">
        <Problems problems={state.problems} goTo={goTo} />
      </div>
    </div>
  );
}

function Problems({ problems, goTo }) {
  if (!problems.length) return <p className="ffb-fine">The text reads without a problem.</p>;
  return (
    <ul>
      {problems.map((problem, number) => (
        <li key={number} className={problem.fatal ? "ffb-fatal" : "ffb-note"}>
          <span className="ffb-kind">{problem.fatal ? "Problem" : "Note"}</span>{" "}
          {problem.line ? (
            <button type="button" title="Go to its place in the text" onClick={() => goTo(problem)}>
              {`line ${problem.line}, column ${problem.column}`}
            </button>
          ) : null}{" "}
          {problem.words}
        </li>
      ))}
    </ul>
  );
}
