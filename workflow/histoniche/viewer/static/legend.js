// Legends: colours and what they stand for. Text is always set as text.

const SVG = "http://www.w3.org/2000/svg";

function element(name, content = "", attributes = {}) {
  const made = document.createElement(name);
  made.textContent = content;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function drawing(width, height, colours) {
  const made = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ width, height, "aria-hidden": "true" })) {
    made.setAttribute(key, value);
  }
  const step = width / colours.length;
  colours.forEach((colour, number) => {
    const part = document.createElementNS(SVG, "rect");
    const place = { x: number * step, y: 0, width: step + 0.5, height, fill: colour };
    for (const [key, value] of Object.entries(place)) part.setAttribute(key, value);
    made.append(part);
  });
  return made;
}

function ramp(scale) {
  const made = element("figure", "", { class: "ramp" });
  made.append(element("figcaption", scale.title), drawing(240, 12, scale.colours));
  const ticks = document.createElementNS(SVG, "svg");
  ticks.setAttribute("width", "240");
  ticks.setAttribute("height", "16");
  for (const [place, words] of scale.ticks) {
    const tick = document.createElementNS(SVG, "text");
    tick.textContent = words;
    tick.setAttribute("x", String(240 * place));
    tick.setAttribute("y", "13");
    tick.setAttribute("text-anchor", place < 0.1 ? "start" : place > 0.9 ? "end" : "middle");
    ticks.append(tick);
  }
  made.append(ticks);
  return made;
}

/** The legend of an overlay as an element. */
export function drawn(legend) {
  const made = element("div", "", { class: "legend" });
  if (legend.keys.length) {
    const list = element("ul");
    for (const key of legend.keys) {
      const line = element("li", "", { "data-colour": key.colour });
      const swatch = drawing(14, 14, [key.colour]);
      swatch.setAttribute("class", "swatch");
      line.append(swatch, element("span", key.label), element("small", key.note));
      list.append(line);
    }
    made.append(list);
  }
  made.append(...legend.ramps.map(ramp));
  if (legend.note) made.append(element("p", legend.note, { class: "muted" }));
  return made;
}
