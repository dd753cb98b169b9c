// A view of a slide in an address: its middle, its scale, and its overlays with their opacity.

const DIGITS = 6;

/** What follows # for a view {x, y, scale, overlays: {name: opacity}}; pixels of level 0. */
export function written(view) {
  const shown = Object.entries(view.overlays).map(([name, opacity]) => `${name}:${opacity}`);
  const parts = new URLSearchParams({
    x: view.x.toFixed(1),
    y: view.y.toFixed(1),
    scale: Number(view.scale.toPrecision(DIGITS)),
    overlays: shown.join(" "),
  });
  return `#${parts}`;
}

/** The view that follows #, or null if it is none. */
export function read(hash) {
  const parts = new URLSearchParams(hash.slice(1));
  const [x, y, scale] = ["x", "y", "scale"].map((name) => Number(parts.get(name) || NaN));
  if (![x, y, scale].every(Number.isFinite) || scale <= 0) return null;
  const overlays = {};
  for (const part of (parts.get("overlays") || "").split(" ").filter(Boolean)) {
    const [name, opacity] = part.split(":");
    const value = Number(opacity);
    if (value >= 0 && value <= 1) overlays[name] = value;
  }
  return { x, y, scale, overlays };
}
