// The page of a slide: deep zoom, overlays with their legends, scale bar, and links to a view.

import { drawn } from "./legend.js";
import { barFor, inWords } from "./scale.js";
import { read, written } from "./state.js";

const OPACITY = 0.6;
const BAR = 120;
const place = document.getElementById("slide");
const told = document.getElementById("told");

/** A picture that lies on the slide, cut as the server cuts it. */
function source(view, address, ending) {
  return {
    width: view.width,
    height: view.height,
    tileSize: view.tile,
    tileOverlap: 0,
    minLevel: 0,
    maxLevel: view.last,
    getTileUrl: (level, x, y) => `${address}/${level}/${x}_${y}.${ending}`,
  };
}

function start(view) {
  const base = place.dataset.tiles;
  const osd = OpenSeadragon({
    element: place,
    drawer: "canvas",
    showNavigationControl: false,
    showNavigator: true,
    navigatorPosition: "BOTTOM_RIGHT",
    // Overlays may be looked at cell by cell.
    maxZoomPixelRatio: 4,
    animationTime: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 0.5,
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
    tileSources: source(view, `${base}/tiles`, "jpg"),
  });
  const shown = new Map();
  osd.canvas.setAttribute("role", "application");
  osd.canvas.setAttribute("aria-label", "Slide; arrow keys move it, plus and minus zoom, 0 shows all");

  // Of all pictures the slide lies below.
  const slide = () => osd.world.getItemAt(0);
  /** Pixels of level 0 to a pixel of the page. */
  const scale = () => 1 / slide().viewportToImageZoom(osd.viewport.getZoom());

  function current() {
    const { x, y } = slide().viewportToImageCoordinates(osd.viewport.getCenter());
    const overlays = Object.fromEntries(
      [...shown].filter(([, one]) => one.box.checked).map(([name, one]) => [name, one.range.value]),
    );
    return { x, y, scale: scale(), overlays };
  }

  function note() {
    history.replaceState(null, "", written(current()));
  }

  function measure() {
    const { um, pixels } = barFor(view.mpp * scale(), BAR);
    document.querySelector("#bar rect").setAttribute("width", String(pixels));
    document.getElementById("length").textContent = inWords(um);
  }

  function look(wanted) {
    const point = slide().imageToViewportCoordinates(wanted.x, wanted.y);
    osd.viewport.zoomTo(slide().imageToViewportZoom(1 / wanted.scale), null, true);
    osd.viewport.panTo(point, true);
    for (const [name, one] of shown) {
      one.box.checked = name in wanted.overlays;
      if (one.box.checked) one.range.value = wanted.overlays[name];
      show(one);
    }
  }

  function show(one) {
    one.details.hidden = !one.box.checked;
    const opacity = one.box.checked ? Number(one.range.value) : 0;
    if (one.item) one.item.setOpacity(opacity);
    else if (one.box.checked && !one.asked) {
      one.asked = true;
      osd.addTiledImage({
        tileSource: source(view, `${base}/overlays/${one.name}`, "png"),
        opacity,
        success: ({ item }) => {
          one.item = item;
          show(one);
        },
      });
    }
  }

  osd.addHandler("animation", measure);
  osd.addHandler("animation-finish", note);
  osd.addHandler("resize", () => requestAnimationFrame(measure));
  osd.addHandler("tile-load-failed", () => {
    told.textContent = "Part of the picture could not be read; the slide's file may be damaged there.";
  });
  osd.addOnceHandler("open", () => {
    for (const overlay of view.overlays) shown.set(overlay.name, control(overlay, show, note));
    const wanted = read(location.hash);
    if (wanted) look(wanted);
    else if (shown.has("regions")) {
      shown.get("regions").box.checked = true;
      show(shown.get("regions"));
    }
    measure();
    addEventListener("hashchange", () => {
      const next = read(location.hash);
      if (next) look(next);
    });
  });
  connect(osd);
  // For tests, which compare what is drawn with the legend.
  place.osd = osd;
}

/** Buttons under the slide. */
function connect(osd) {
  const on = (name, act) => document.getElementById(name).addEventListener("click", act);
  on("closer", () => osd.viewport.zoomBy(1.6).applyConstraints());
  on("farther", () => osd.viewport.zoomBy(1 / 1.6).applyConstraints());
  on("whole", () => osd.viewport.goHome());
  on("link", async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      told.textContent = "The link is in the clipboard.";
    } catch {
      told.textContent = "Copy the link from the address bar; it leads to this view.";
    }
  });
}

/** Box, opacity and legend of one overlay. */
function control(overlay, show, note) {
  const group = groupOf(overlay.group);
  const id = `overlay-${overlay.name}`;
  const row = document.createElement("div");
  row.className = "overlay";
  const label = Object.assign(document.createElement("label"), { htmlFor: id });
  const box = Object.assign(document.createElement("input"), { type: "checkbox", id });
  label.append(box, ` ${overlay.title}`);
  const details = document.createElement("div");
  details.hidden = true;
  const range = Object.assign(document.createElement("input"), {
    type: "range", min: "0", max: "1", step: "0.05", value: String(OPACITY), id: `${id}-opacity`,
  });
  const words = Object.assign(document.createElement("label"), { htmlFor: range.id });
  words.textContent = "Opacity";
  details.append(words, range, drawn(overlay.legend));
  row.append(label, details);
  group.append(row);
  const one = { name: overlay.name, box, range, details, item: null, asked: false };
  box.addEventListener("change", () => { show(one); note(); });
  range.addEventListener("input", () => { show(one); note(); });
  return one;
}

/** Overlays of one kind stand together. */
function groupOf(title) {
  const all = document.getElementById("overlays");
  all.querySelector("p.muted")?.remove();
  for (const there of all.children) {
    if (there.dataset.title === title) return there;
  }
  const made = document.createElement("fieldset");
  made.dataset.title = title;
  made.append(Object.assign(document.createElement("legend"), { textContent: title }));
  all.append(made);
  return made;
}

try {
  const answer = await fetch(place.dataset.view);
  if (!answer.ok) throw new Error(answer.status);
  start(await answer.json());
} catch {
  told.textContent = "The slide could not be opened; load the page again, or log in again.";
}
