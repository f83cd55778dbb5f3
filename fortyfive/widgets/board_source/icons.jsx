// One line drawing a kind of component, in a square of 20.
const ROUND = "M10 2a8 8 0 1 0 0 16 8 8 0 0 0 0-16Z";

export const ICONS = {
  client: "M10 9a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM3 18c0-4 3-6.5 7-6.5s7 2.5 7 6.5",
  dns: `${ROUND}M2 10h16M10 2c4 4 4 12 0 16M10 2c-4 4-4 12 0 16`,
  cdn: "M5.5 16h9a3.5 3.5 0 0 0 .5-7 5 5 0 0 0-9.7-1A4 4 0 0 0 5.5 16Z",
  lb: "M2 10h6M8 10l5-6h4M8 10h9M8 10l5 6h4",
  gateway: "M4 18V3h12v15M2 18h16M8 18V9h4v9",
  limiter: "M3 4h14l-5.5 7v6l-3-2v-4Z",
  service: "M10 2l7 4v8l-7 4-7-4V6ZM3 6l7 4 7-4M10 10v8",
  sockets: "M3 7h13l-3-3M17 13H4l3 3",
  cache: "M11 2L4 11h5l-1 7 8-10h-5Z",
  queue: "M2 6h16v8H2ZM6 6v8M10 6v8M14 6v8",
  stream: "M2 7c3-3 5 3 8 0s5 3 8 0M2 13c3-3 5 3 8 0s5 3 8 0",
  workers:
    "M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7ZM10 2v3M10 15v3M2 10h3M15 10h3M4.3 4.3l2.2 2.2M13.5 13.5l2.2 2.2" +
    "M4.3 15.7l2.2-2.2M13.5 6.5l2.2-2.2",
  sql: "M3 5c0-4 14-4 14 0v10c0 4-14 4-14 0ZM3 5c0 4 14 4 14 0",
  kv: "M3 4h14v12H3ZM3 8h14M3 12h14M8 4v12",
  blob: "M3 4l2 13h10l2-13M3 4c0-2 14-2 14 0s-14 2-14 0",
  search: "M8.5 3a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11ZM12.5 12.5L18 18",
  push: "M5 14V9a5 5 0 0 1 10 0v5l1.5 1.5h-13ZM8.5 17.5h3",
  scheduler: `${ROUND}M10 5v5l3.5 2`,
};

export function Icon({ kind }) {
  return (
    <svg className="ffb-icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={ICONS[kind] ?? ICONS.service} />
    </svg>
  );
}
