"use strict";
/* The tools of the panel: fold it, compare today with the plan, measure, print. */
const sitingPart = (key) => document.getElementById("siting-" + key);

function startTools(map, layers, data, kit) {
  startPanel(map, kit);
  startModes(map, kit, {
    measure: measureMode(map, kit),
    compare: compareMode(map, layers, data, kit),
  });
  startPrint(map, data);
}

/* The panel lies over the map on a narrow window, beside it on a wide one. */
function startPanel(map, kit) {
  const toggle = document.querySelector(".siting-toggle"), side = sitingPart("side");
  const narrow = window.matchMedia("(max-width: 820px)");
  const tell = () => toggle.setAttribute("aria-expanded", narrow.matches
    ? side.classList.contains("siting-open") : !document.body.classList.contains("siting-folded"));
  toggle.addEventListener("click", () => {
    if (narrow.matches) side.classList.toggle("siting-open");
    else document.body.classList.toggle("siting-folded");
    tell();
    map.invalidateSize({animate: false});
  });
  kit.closePanel = () => {
    side.classList.remove("siting-open");
    tell();
  };
  narrow.addEventListener("change", tell);
  tell();
}

/* Comparing and measuring: one at a time. A bar on the map says which is on, and ends it. */
function startModes(map, kit, modes) {
  const {node, words} = kit;
  const bar = L.control({position: "bottomleft"}), told = node("span");
  const clearing = node("button", words.measure_clear), ending = node("button", words.mode_end);
  bar.onAdd = () => {
    const made = node("div", null, "siting-bar");
    told.setAttribute("role", "status");
    made.append(told, clearing, ending);
    L.DomEvent.disableClickPropagation(made);
    return made;
  };
  function setMode(key) {
    const before = kit.mode;
    kit.mode = key;
    if (before) {
      sitingPart(before).setAttribute("aria-pressed", false);
      bar.remove();
      modes[before].stop();
    }
    if (!key) return;
    sitingPart(key).setAttribute("aria-pressed", true);
    clearing.hidden = !modes[key].clear;
    map.closePopup();
    kit.closePanel();
    bar.addTo(map);
    modes[key].start(told);
  }
  clearing.addEventListener("click", () => modes[kit.mode].clear());
  ending.addEventListener("click", () => setMode(""));
  map.on("baselayerchange", () => { if (kit.mode === "compare") setMode(""); });
  for (const key of Object.keys(modes)) {
    sitingPart(key).addEventListener("click", () => setMode(kit.mode === key ? "" : key));
  }
}

/* Straight lines between clicks, on the ellipsoid by its radii in the middle of each line. */
function measureMode(map, kit) {
  const {fill, number, words} = kit;
  const points = [], drawn = L.featureGroup();
  let told = null;
  map.createPane("siting-measure").style.zIndex = 460;
  function metres(a, b) {
    const rad = Math.PI / 180, axis = 6378137, e2 = 0.00669438;
    const middle = (a.lat + b.lat) / 2 * rad, bend = 1 - e2 * Math.sin(middle) ** 2;
    const north = (b.lat - a.lat) * rad * axis * (1 - e2) / bend ** 1.5;
    const east = (b.lng - a.lng) * rad * axis / Math.sqrt(bend) * Math.cos(middle);
    return Math.hypot(north, east);
  }
  function draw() {
    const red = {pane: "siting-measure", color: "#c8102e", interactive: false};
    const steps = points.slice(1).map((point, i) => metres(points[i], point));
    const total = steps.reduce((sum, step) => sum + step, 0);
    drawn.clearLayers();
    drawn.addLayer(L.polyline(points, Object.assign({weight: 3, dashArray: "6 4"}, red)));
    for (const point of points) {
      drawn.addLayer(L.circleMarker(point, Object.assign({radius: 4, fillColor: "#ffffff",
        fillOpacity: 1, weight: 2}, red)));
    }
    told.textContent = steps.length ? fill(words.measure_total, {total: number(total),
      last: number(steps[steps.length - 1])}) : words.measure_hint;
  }
  function add(event) {
    const last = points[points.length - 1];
    const twice = last  // the second click of a double one
      && map.latLngToContainerPoint(last).distanceTo(event.containerPoint) < 2;
    if (twice) return;
    points.push(event.latlng);
    draw();
  }
  function clear() {
    points.length = 0;
    draw();
  }
  function start(span) {
    told = span;
    map.getContainer().classList.add("siting-measuring");
    map.on("click", add).addLayer(drawn).doubleClickZoom.disable();
    clear();
  }
  function stop() {
    map.getContainer().classList.remove("siting-measuring");
    map.off("click", add).removeLayer(drawn).doubleClickZoom.enable();
  }
  return {start, stop, clear};
}

/* Today left of a slider, the plan right of it. */
function compareMode(map, layers, data, kit) {
  const {node, words, number} = kit;
  const LEFT = ["siting-before", "siting-today"];
  const RIGHT = ["siting-after", "siting-places", "siting-plan"];
  const THUMB = 36;
  for (const [name, level] of [["siting-before", 250], ["siting-after", 250], ["siting-today", 449]]) {
    map.createPane(name).style.zIndex = level;
  }
  const slider = node("div", null, "siting-swipe"), range = node("input"), rule = node("i");
  const ends = {before: words.row_existing, after: words.popup_after};
  const names = [node("b", ends.before), node("b", ends.after)];
  Object.assign(range, {type: "range", min: 0, max: 1, step: "any", value: 0.5});
  range.setAttribute("aria-label", words.compare);
  slider.append(rule, ...names, range);
  for (const event of ["mousedown", "touchstart", "pointerdown", "click", "dblclick", "keydown"]) {
    range.addEventListener(event, (each) => each.stopPropagation());
  }
  function clip() {
    const size = map.getSize(), across = THUMB / 2 + Number(range.value) * (size.x - THUMB);
    const low = map.containerPointToLayerPoint([0, 0]), high = map.containerPointToLayerPoint(size);
    const x = low.x + across;
    const cut = (from, to) => `polygon(${from}px ${low.y}px, ${to}px ${low.y}px, `
      + `${to}px ${high.y}px, ${from}px ${high.y}px)`;
    for (const name of LEFT) map.getPane(name).style.clipPath = cut(low.x, x);
    for (const name of RIGHT) map.getPane(name).style.clipPath = cut(x, high.x);
    for (const each of [rule, ...names]) each.style.left = across + "px";
  }

  const today = L.layerGroup(), svg = L.svg({pane: "siting-today", padding: 0.3});
  function todayCircle(place) {
    const looks = data.look.places;
    const made = Object.assign({}, place.status === "outside" ? looks.outside : looks.existing);
    if (!place.counts && place.status !== "closed") Object.assign(made, kit.hollow(made));
    return L.circleMarker(place.at, Object.assign(made, {renderer: svg, pane: "siting-today",
      radius: kit.radius(place.beds_today), bubblingMouseEvents: false,
      className: "siting-place siting-now"}))
      .bindPopup(() => kit.popup(place.name, [[words.popup_id, place.id],
        [words.popup_kind, place.kind], [words.popup_today, number(place.beds_today)]]));
  }
  function drawToday() {
    today.clearLayers();
    for (const {circle, place, group} of kit.marks) {
      if (place.today && group.hasLayer(circle)) today.addLayer(todayCircle(place));
    }
  }
  function picture(key) {
    return L.imageOverlay(layers[key]._url, layers[key].getBounds(), {
      opacity: data.look.opacity, pane: "siting-" + key, className: "siting-compare-" + key});
  }
  const pictures = data.grid ? ["before", "after"].map(picture) : [];

  const base = [...Object.keys(data.themes), "none"].map((key) => layers[key]);
  let theme = null;
  function start(told) {
    told.textContent = kit.fill(words.compare_hint, ends);
    theme = base.find((layer) => map.hasLayer(layer));
    map.removeLayer(theme);
    for (const each of [...pictures, today]) map.addLayer(each);
    map.on("move zoomend resize viewreset", clip).on("zoomend siting-filter", drawToday);
    map.getContainer().append(slider);
    map.getContainer().classList.add("siting-comparing");
    kit.showThemes(["before", "after"]);
    drawToday();
    clip();
  }
  function stop() {
    map.off("move zoomend resize viewreset", clip).off("zoomend siting-filter", drawToday);
    for (const each of [...pictures, today]) map.removeLayer(each);
    slider.remove();
    map.getContainer().classList.remove("siting-comparing");
    for (const name of [...LEFT, ...RIGHT]) map.getPane(name).style.clipPath = "";
    if (!base.some((layer) => map.hasLayer(layer))) map.addLayer(theme);
  }
  range.addEventListener("input", clip);
  return {start, stop};
}

/* The page is laid out as the paper before the browser takes it, and back afterwards. */
function startPrint(map, data) {
  const root = document.documentElement, side = sitingPart("side");
  let view = null;
  function layOut() {
    if (view) return;
    view = {centre: map.getCenter(), zoom: map.getZoom()};
    const seen = map.getBounds(), all = data.bounds && L.latLngBounds(data.bounds);
    root.classList.add("siting-printing");
    map.invalidateSize({animate: false, pan: false});
    map.fitBounds(all && seen.contains(all) ? all : seen, {animate: false});
    let size = 0.88;
    do {
      size -= 0.04;
      for (const part of side.children) part.style.zoom = size;
      root.style.setProperty("--siting-full", 1 / size);
    } while (size > 0.4 && side.scrollWidth > side.clientWidth + 1);
  }
  function layBack() {
    if (!view) return;
    root.classList.remove("siting-printing");
    for (const part of side.children) part.style.zoom = "";
    map.invalidateSize({animate: false, pan: false});
    map.setView(view.centre, view.zoom, {animate: false});
    view = null;
  }
  window.addEventListener("beforeprint", layOut);
  window.addEventListener("afterprint", layBack);
  sitingPart("print").addEventListener("click", () => {
    layOut();
    requestAnimationFrame(() => requestAnimationFrame(() => window.print()));
  });
}
