// A component and a link as they are drawn, with what the last run did to them.
import { createContext, useContext } from "react";
import { BaseEdge, EdgeLabelRenderer, Handle, Position, getBezierPath } from "@xyflow/react";
import { Icon } from "./icons.jsx";

// What a run says at one moment, or null before the first run.
export const Moment = createContext(null);

// Below this a failure is a poisoned message or bad luck, and no state of the system.
const FAILS = 0.01;

export const percent = (share) => `${share > 0 && share < 0.01 ? "<1" : Math.round(100 * share)} %`;
export const counted = (number) => Math.round(number).toLocaleString("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

export function Part({ data }) {
  const moment = useContext(Moment);
  const now = moment?.of(data.name);
  const busy = now && data.limited;
  const first = moment?.first === data.name;
  const classes = ["ffb-part", `ffb-of-${data.family}`, data.problem && "ffb-wrong", moment?.stale && "ffb-stale"];
  if (now) classes.push(busy ? "ffb-hot" : "ffb-unlimited");
  if (first) classes.push("ffb-first");
  return (
    <div className={classes.filter(Boolean).join(" ")} style={busy ? moment.paint(now.busy) : undefined}>
      <Handle type="target" position={Position.Left} />
      <Icon kind={data.kind} />
      <span className="ffb-names">
        <b title={data.name}>{data.name}</b>
        <small title={data.label || data.title}>{data.label || data.title}</small>
        {busy ? <span className="ffb-busy">{percent(now.busy)} busy</span> : null}
      </span>
      {data.instances ? <span className="ffb-times">×{counted(data.instances)}</span> : null}
      {busy ? <i className="ffb-meter" style={{ width: `${Math.min(100, 100 * now.busy)}%` }} /> : null}
      {now ? (
        <span className="ffb-under">
          {now.queued >= 1 ? (
            <span className="ffb-queue" style={{ "--length": moment.length(now.queued) }}>
              {short.format(now.queued)} waiting
            </span>
          ) : null}
          {now.failing >= FAILS ? <span className="ffb-failing">✕ {percent(now.failing)} fail</span> : null}
        </span>
      ) : null}
      {first ? <span className="ffb-flag">saturates first</span> : null}
      <Handle type="source" position={Position.Right} />
    </div>
  );
}

export function Arrow({ sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition, markerEnd, target, data }) {
  const failing = useContext(Moment)?.of(target)?.failing ?? 0;
  const [path, x, y] = getBezierPath({ sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition });
  const broken = failing >= FAILS;
  const words = [data.words, broken ? `✕ ${percent(failing)}` : ""].filter(Boolean).join(" · ");
  const classes = ["ffb-arrow", data.later && "ffb-later", broken && "ffb-broken"].filter(Boolean).join(" ");
  return (
    <>
      <BaseEdge className={classes} path={path} markerEnd={markerEnd} interactionWidth={24} />
      {words ? (
        <EdgeLabelRenderer>
          <span
            className={`ffb-words ${broken ? "ffb-broken" : ""}`}
            style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y - 11}px)` }}
          >
            {words}
          </span>
        </EdgeLabelRenderer>
      ) : null}
    </>
  );
}
