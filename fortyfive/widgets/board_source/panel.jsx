// What is said about the component or the link that is selected; a field left empty has the default of its kind.
import { useEffect, useId, useRef, useState } from "react";
import { linkId } from "./canvas.jsx";

const SERIES = [1, 1.5, 2, 3, 5, 7];

// The next number up or down that people say: 20ms, 30ms, 50ms; of instances the next one.
export function nudge(text, up, whole) {
  const found = text.match(/^([\d._]+)\s*(.*)$/);
  const number = found && Number(found[1].replaceAll("_", ""));
  if (!Number.isFinite(number) || number <= 0) return null;
  if (whole) return `${Math.max(1, number + (up ? 1 : -1))}`;
  const power = 10 ** Math.floor(Math.log10(number) + 1e-9);
  const steps = [0.7, ...SERIES, 10].map((each) => Number((each * power).toPrecision(3)));
  const next = up ? steps.find((each) => each > number * 1.0001) : steps.findLast((each) => each < number * 0.9999);
  return `${next}${found[2]}`;
}

function Field({ label, value, placeholder, hint, choices, flag, whole, onSet, onHint }) {
  const id = useId();
  const [typed, setTyped] = useState(null);
  const input = useRef(null);
  useEffect(() => setTyped(null), [value]);

  function commit(text) {
    const wanted = text.trim();
    if (wanted !== value) onSet(wanted || null);
    else setTyped(null);
  }

  function key(event) {
    if (event.key === "Enter") commit(event.target.value);
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    const next = nudge(event.target.value || placeholder || "", event.key === "ArrowUp", whole);
    if (next === null) return;
    event.preventDefault();
    setTyped(next);
    onSet(next);
  }

  const common = { id, onFocus: () => onHint(hint), onMouseEnter: () => onHint(hint) };
  if (flag)
    return (
      <label className="ffb-flagged" title={hint}>
        <input {...common} type="checkbox" checked={value === "on"} onChange={(e) => onSet(e.target.checked ? "" : null)} />
        {label}
      </label>
    );
  return (
    <label htmlFor={id} title={hint}>
      <span>{label}</span>
      {choices.length ? (
        <select {...common} value={value} onChange={(event) => onSet(event.target.value || null)}>
          <option value="">{placeholder}</option>
          {choices.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      ) : (
        <input
          {...common}
          ref={input}
          autoComplete="off"
          placeholder={placeholder}
          spellCheck={false}
          value={typed ?? value}
          onBlur={(event) => commit(event.target.value)}
          onChange={(event) => setTyped(event.target.value)}
          onKeyDown={key}
        />
      )}
    </label>
  );
}

function Parameters({ words, offered, values, defaults, onSet, onHint }) {
  return words.map((word) => {
    const { unit, what, choices } = offered[word];
    return (
      <Field
        key={word}
        label={word}
        hint={`${word}: ${what}`}
        value={values[word] ?? ""}
        placeholder={defaults[word] ?? ""}
        choices={choices}
        flag={unit === "flag"}
        onSet={(value) => onSet(word, value)}
        onHint={onHint}
      />
    );
  });
}

export function Panel({ state, offer, send, remove, picked, wanted }) {
  const [hint, setHint] = useState("");
  const node = picked.names.length === 1 ? state.nodes.find(({ name }) => name === picked.names[0]) : null;
  const link =
    !picked.names.length && picked.links.length === 1 ? state.links.find((each) => linkId(each) === picked.links[0]) : null;
  const some = picked.names.length + picked.links.length;
  const key = node?.name ?? (link ? linkId(link) : "");
  useEffect(() => setHint(""), [key]);

  return (
    <div className="ffb-panel" role="group" aria-label="What is selected">
      {node ? (
        <Component key={key} {...{ node, offer, send, wanted }} onHint={setHint} />
      ) : link ? (
        <Link key={key} {...{ link, offer, send }} onHint={setHint} />
      ) : (
        <p className="ffb-fine">
          {some > 1 ? `${some} things are selected.` : "Select a component or a link to see and change its parameters."}
        </p>
      )}
      {some ? (
        <button type="button" className="ffb-delete" onClick={remove}>
          Delete
        </button>
      ) : null}
      {hint ? <p className="ffb-hint">{hint}</p> : null}
    </div>
  );
}

function Component({ node, offer, send, wanted, onHint }) {
  const set = (word, value) => send({ op: "component", name: node.name, word, value });
  function rename(value) {
    if (!value) return;
    wanted.current = value;
    send({ op: "rename", old: node.name, new: value });
  }
  return (
    <>
      <h4>{`${node.name}: ${node.title}`}</h4>
      <div className="ffb-fields">
        <Field label="name" value={node.name} hint="name: letters, digits, _ and -" choices={[]} onSet={rename} onHint={onHint} />
        <Field
          label="label"
          value={node.label}
          placeholder={node.title}
          hint="label: what the drawing says beneath the name"
          choices={[]}
          onSet={(value) => set("label", value)}
          onHint={onHint}
        />
        {node.kind === "client" ? null : (
          <Field
            label="instances"
            value={node.instances ? `${node.instances}` : ""}
            placeholder="1"
            hint="instances: how many of these there are, each with its own slots"
            choices={[]}
            whole
            onSet={(value) => set("x", value)}
            onHint={onHint}
          />
        )}
        <Parameters
          words={node.takes}
          offered={offer.component}
          values={node.values}
          defaults={node.defaults}
          onSet={set}
          onHint={onHint}
        />
      </div>
    </>
  );
}

function Link({ link, offer, send, onHint }) {
  const ends = { source: link.source, target: link.target };
  return (
    <>
      <h4>{`${link.source} ${link.waits ? "->" : "~>"} ${link.target}`}</h4>
      <div className="ffb-fields">
        <label>
          <span>arrow</span>
          <select
            value={link.waits ? "yes" : "no"}
            onFocus={() => onHint("arrow: whether the source waits for the answer")}
            onChange={(event) => send({ op: "link", ...ends, word: "waits", value: event.target.value })}
          >
            <option value="yes">-&gt; waits</option>
            <option value="no">~&gt; goes on</option>
          </select>
        </label>
        <Field
          label="label"
          value={link.label}
          hint="label: what the drawing says beside the arrow"
          choices={[]}
          onSet={(value) => send({ op: "link", ...ends, word: "label", value })}
          onHint={onHint}
        />
        <Parameters
          words={Object.keys(offer.link)}
          offered={offer.link}
          values={link.values}
          defaults={{}}
          onSet={(word, value) => send({ op: "link", ...ends, word, value })}
          onHint={onHint}
        />
      </div>
    </>
  );
}
