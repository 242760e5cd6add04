"use strict";
/* Compare today with the plan, measure, print, and the panel's own button. */
function startTools(map, layers, data, kit) {
  const {node, words, fill, number} = kit;
  const root = document.documentElement, side = document.getElementById("siting-side");
  const button = (key) => document.getElementById("siting-" + key);
  const press = (key, on) => button(key).setAttribute("aria-pressed", on);

  /* The panel: over the map on a narrow window, beside it on a wide one. */
  const narrow = window.matchMedia("(max-width: 820px)");
  document.querySelector(".siting-toggle").addEventListener("click", () => {
    if (narrow.matches) side.classList.toggle("siting-open");
    else document.body.classList.toggle("siting-folded");
    map.invalidateSize({animate: false});
  });
  kit.closePanel = () => side.classList.remove("siting-open");

  /* A bar on the map tells of the mode that is on, and ends it. */
  const bar = L.control({position: "bottomleft"}), told = node("span");
  const clearing = node("button", words.measure_clear), ending = node("button", words.mode_end);
  bar.onAdd = () => {
    const made = node("div", null, "siting-bar");
    made.setAttribute("role", "status");
    made.append(told, clearing, ending);
    L.DomEvent.disableClickPropagation(made);
    return made;
  };
  clearing.addEventListener("click", () => { points.length = 0; drawMeasure(); });
  ending.addEventListener("click", () => kit.stopModes());
  kit.stopModes = () => { measure(false); compare(false); };

  /* Measure: straight lines on the ellipsoid, by its radii in the middle of each line. */
  const points = [], drawn = L.featureGroup();
  map.createPane("siting-measure").style.zIndex = 460;
  function metres(a, b) {
    const rad = Math.PI / 180, axis = 6378137, e2 = 0.00669438;
    const middle = (a.lat + b.lat) / 2 * rad, bend = 1 - e2 * Math.sin(middle) ** 2;
    const north = (b.lat - a.lat) * rad * axis * (1 - e2) / bend ** 1.5;
    const east = (b.lng - a.lng) * rad * axis / Math.sqrt(bend) * Math.cos(middle);
    return Math.hypot(north, east);
  }
  function drawMeasure() {
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
    told.dataset.metres = total;
  }
  function addPoint(event) {
    const last = points[points.length - 1];
    if (last && map.latLngToContainerPoint(last).distanceTo(event.containerPoint) < 2) return;
    points.push(event.latlng);
    drawMeasure();
  }
  function measure(on) {
    if (on === kit.measuring) return;
    kit.measuring = on;
    press("measure", on);
    map.getContainer().classList.toggle("siting-measuring", on);
    map[on ? "on" : "off"]("click", addPoint);
    map.doubleClickZoom[on ? "disable" : "enable"]();
    points.length = 0;
    if (on) {
      map.closePopup();
      kit.closePanel();
      map.addLayer(drawn).addControl(bar);
      drawMeasure();
    } else map.removeLayer(drawn).removeControl(bar);
  }
  button("measure").addEventListener("click", () => measure(!kit.measuring));

  /* Compare: today left of the slider, the plan right of it. */
  const LEFT = ["siting-before", "siting-today"];
  const RIGHT = ["siting-after", "siting-places", "siting-plan", "markerPane"];
  for (const [name, level] of [["siting-before", 250], ["siting-after", 250], ["siting-today", 449]]) {
    map.createPane(name).style.zIndex = level;
  }
  const slider = node("div", null, "siting-swipe"), range = node("input"), rule = node("i");
  const ends = [node("b", words.row_existing), node("b", words.popup_after)];
  Object.assign(range, {type: "range", min: 0, max: 1, step: "any", value: 0.5});
  range.setAttribute("aria-label", words.compare);
  slider.append(rule, ...ends, range);
  for (const event of ["mousedown", "touchstart", "pointerdown", "click", "dblclick"]) {
    range.addEventListener(event, (each) => each.stopPropagation());
  }
  const now = L.layerGroup(), svg = L.svg({pane: "siting-today", padding: 0.3});
  let theme = null, pictures = [];
  function clip() {
    const size = map.getSize(), thumb = 36;
    const across = thumb / 2 + Number(range.value) * (size.x - thumb);
    const low = map.containerPointToLayerPoint([0, 0]), high = map.containerPointToLayerPoint(size);
    const x = low.x + across;
    const cut = (from, to) => `polygon(${from}px ${low.y}px, ${to}px ${low.y}px, `
      + `${to}px ${high.y}px, ${from}px ${high.y}px)`;
    for (const name of LEFT) map.getPane(name).style.clipPath = cut(low.x, x);
    for (const name of RIGHT) map.getPane(name).style.clipPath = cut(x, high.x);
    rule.style.left = ends[0].style.left = ends[1].style.left = across + "px";
  }
  function todayCircle(mark) {
    const circle = L.circleMarker(mark.place.at, Object.assign({}, kit.todayStyle(mark.place), {
      renderer: svg, pane: "siting-today", radius: kit.radius(mark.place.beds_today),
      bubblingMouseEvents: false, className: "siting-place siting-now"}));
    circle.bindPopup(() => kit.popup(mark.place.name, [[words.popup_id, mark.place.id],
      [words.popup_kind, mark.place.kind], [words.popup_today, number(mark.place.beds_today)]]),
    kit.clear());
    return circle;
  }
  function drawToday() {
    now.clearLayers();
    for (const mark of kit.marks) {
      if (mark.place.today && mark.group.hasLayer(mark.circle)) now.addLayer(todayCircle(mark));
    }
  }
  kit.drawToday = () => { if (kit.comparing) drawToday(); };
  function showPictures() {
    for (const key of ["before", "after"]) {
      if (!layers[key].getBounds || !data.grid) continue;
      pictures.push(L.imageOverlay(layers[key]._url, layers[key].getBounds(), {
        opacity: data.look.opacity, pane: "siting-" + key,
        className: "siting-compare-" + key}).addTo(map));
    }
  }
  function compare(on) {
    if (on === kit.comparing) return;
    kit.comparing = on;
    press("compare", on);
    if (on) {
      kit.closePanel();
      map.closePopup();
      theme = [...Object.keys(data.themes), "none"].find((key) => map.hasLayer(layers[key]));
      if (theme) map.removeLayer(layers[theme]);
      for (const radio of document.querySelectorAll(".leaflet-control-layers-base input")) {
        radio.checked = false;
      }
      showPictures();
      drawToday();
      map.addLayer(now).on("move zoomend resize viewreset", clip).on("zoomend", drawToday);
      map.getContainer().append(slider);
      kit.showThemes(["before", "after"]);
      clip();
      return;
    }
    map.off("move zoomend resize viewreset", clip).off("zoomend", drawToday).removeLayer(now);
    for (const picture of pictures.splice(0)) picture.remove();
    slider.remove();
    for (const name of [...LEFT, ...RIGHT]) map.getPane(name).style.clipPath = "";
    if (![...Object.keys(data.themes), "none"].some((key) => map.hasLayer(layers[key])) && theme) {
      map.addLayer(layers[theme]);
    }
  }
  range.addEventListener("input", clip);
  map.on("baselayerchange", () => compare(false));
  button("compare").addEventListener("click", () => compare(!kit.comparing));

  /* Print: the page is laid out as the paper before the browser takes it, and back afterwards. */
  let view = null;
  function layOut() {
    if (view) return;
    view = {centre: map.getCenter(), zoom: map.getZoom()};
    const bounds = map.getBounds();
    root.classList.add("siting-printing");
    map.invalidateSize({animate: false, pan: false});
    map.fitBounds(bounds, {animate: false});
    document.body.getBoundingClientRect();
    for (let size = 1; size > 0.4 && side.scrollHeight > side.clientHeight + 1; size -= 0.04) {
      for (const part of side.children) part.style.zoom = size;
    }
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
  button("print").addEventListener("click", () => {
    layOut();
    requestAnimationFrame(() => requestAnimationFrame(() => window.print()));
  });
}
