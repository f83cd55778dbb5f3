// What the last run did: the verdict in words, its numbers as a table, and its course over time.
import { useEffect, useId, useState } from "react";
import { counted, percent } from "./part.jsx";

const FRAME_MS = 120;

const seconds = (at) => `${at >= 100 ? Math.round(at) : Number(at.toPrecision(3))} s`;

export function Results({ result, nodes, stale, place, setPlace }) {
  const limited = new Set(nodes.filter((node) => node.limited).map(({ name }) => name));
  const id = useId();
  const [playing, setPlaying] = useState(false);
  const frames = result.at_s.length;
  useEffect(() => {
    if (!playing) return undefined;
    const timer = setInterval(() => setPlace((now) => Math.min(frames - 1, now + 1)), FRAME_MS);
    return () => clearInterval(timer);
  }, [playing, frames]);
  useEffect(() => {
    if (place >= frames - 1) setPlaying(false);
  }, [place, frames]);

  function play() {
    if (!playing && place >= frames - 1) setPlace(0);
    setPlaying(!playing);
  }

  const now = Math.min(place, frames - 1);
  return (
    <section className={`ffb-results ${stale ? "ffb-stale" : ""}`} aria-label="The last run">
      <div className="ffb-time">
        <button type="button" onClick={play}>
          {playing ? "Pause" : "Play"}
        </button>
        <label htmlFor={id}>time</label>
        <input
          id={id}
          type="range"
          min={0}
          max={frames - 1}
          value={now}
          aria-valuetext={seconds(result.at_s[now])}
          onChange={(event) => {
            setPlaying(false);
            setPlace(event.target.valueAsNumber);
          }}
        />
        <span className="ffb-now" aria-hidden="true">
          {seconds(result.at_s[now])}
        </span>
      </div>
      <Ramp ramp={result.ramp} />
      <div className="ffb-tables">
        <table>
          <caption>{stale ? "The run before the last edit" : "The run"}</caption>
          <tbody>
            {result.summary.map(([label, value]) => (
              <tr key={label}>
                <th scope="row">{label}</th>
                <td>{value}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <table>
          <caption>{`At ${seconds(result.at_s[now])}`}</caption>
          <thead>
            <tr>
              <th scope="col">component</th>
              <th scope="col">busy</th>
              <th scope="col">waiting</th>
              <th scope="col">failing</th>
            </tr>
          </thead>
          <tbody>
            {Object.entries(result.components).map(([name, { busy, queued, failing }]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{limited.has(name) ? percent(busy[now]) : "no limit"}</td>
                <td>{counted(queued[now])}</td>
                <td>{percent(failing[now])}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {result.findings.length ? (
        <ul className="ffb-findings">
          {result.findings.map((finding) => (
            <li key={finding}>{finding}</li>
          ))}
        </ul>
      ) : null}
    </section>
  );
}

function Ramp({ ramp }) {
  return (
    <p className="ffb-ramp" aria-hidden="true">
      busy:
      {ramp.map(([from, colour, share], number) => (
        <span key={from}>
          <i style={{ background: `color-mix(in srgb, ${colour} ${100 * share}%, transparent)`, borderColor: colour }} />
          {number + 1 < ramp.length ? `${percent(from)} – ${percent(ramp[number + 1][0])}` : `${percent(from)} and more`}
        </span>
      ))}
    </p>
  );
}
