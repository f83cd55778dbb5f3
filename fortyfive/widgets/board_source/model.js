// What the browser's half of a board has from Python, and how it asks for a change. Python owns the text; each edit is a
// small message, and the answer is the whole state.
import { useEffect, useState } from "react";

const sent = new WeakMap();

// Sends a message and returns its number; an answer says in `seen` which message it has come up to. Throws where the
// kernel that made the board is gone.
export function sender(model) {
  return (message) => {
    const id = (sent.get(model) ?? model.get("state").seen) + 1;
    sent.set(model, id);
    model.send({ ...message, id });
    return id;
  };
}

export function useTrait(model, name) {
  const [value, setValue] = useState(() => model.get(name));
  useEffect(() => {
    const follow = () => setValue(model.get(name));
    follow();
    model.on(`change:${name}`, follow);
    return () => model.off(`change:${name}`, follow);
  }, [model, name]);
  return value;
}

// Steps that undo takes back together carry the same number.
let bursts = 0;
export const newBurst = () => `${Date.now()}-${(bursts += 1)}`;
