"use strict";
/* Draws a plan from the JSON beside it. Data reaches the page as text nodes only, never as HTML. */
function startSiting(map, layers, control) {
  const data = JSON.parse(document.getElementById("siting-data").textContent);
  const words = data.words, look = data.look;

  /* What all parts of the page share. */
  const number = (value, digits) => value === null || value === undefined ? "–"
    : value.toLocaleString("en-US", {maximumFractionDigits: digits === undefined ? 0 : digits});
  const fill = (pattern, values) => pattern.replace(/\{(\w+)\}/g, (_, key) => values[key]);
  function node(tag, text, className) {
    const made = document.createElement(tag);
    if (text !== undefined && text !== null) made.textContent = text;
    if (className) made.className = className;
    return made;
  }
  function list(rows) {
    const made = node("dl");
    for (const [label, value, bad] of rows) {
      if (value === null || value === undefined || value === "") continue;
      made.append(node("dt", label), node("dd", value, bad ? "siting-bad" : ""));
    }
    return made;
  }
  function popup(title, rows) {
    const made = node("div", null, "siting-popup");
    made.append(node("h4", title), list(rows));
    return made;
  }
  function drawing(width, height, shape, values) {
    const space = "http://www.w3.org/2000/svg";
    const board = document.createElementNS(space, "svg");
    board.setAttribute("width", width);
    board.setAttribute("height", height);
    const made = document.createElementNS(space, shape);
    for (const [key, value] of Object.entries(values)) made.setAttribute(key, value);
    board.append(made);
    return board;
  }

  /* Where a popup may not lie: beside the buttons on a wide map, below them on a narrow one. */
  const clearOfButtons = () => L.Popup.mergeOptions(map.getSize().x > 460
    ? {autoPanPaddingTopLeft: [56, 12], autoPanPaddingBottomRight: [62, 12]}
    : {autoPanPaddingTopLeft: [6, 84], autoPanPaddingBottomRight: [6, 12]});
  map.on("resize", clearOfButtons);
  clearOfButtons();

  /* Lines and areas: one canvas, below the facilities, deaf to the mouse. */
  map.createPane("siting-lines").style.zIndex = 420;
  map.createPane("siting-plan").style.zIndex = 421;
  map.createPane("siting-places").style.zIndex = 450;
  const canvas = L.canvas({pane: "siting-lines", padding: 0.3});
  const planCanvas = L.canvas({pane: "siting-plan", padding: 0.3});  // what only the plan has
  const svg = L.svg({pane: "siting-places", padding: 0.3});
  function shapes(layer, geometry, style) {
    if (!geometry || !layer) return;
    const planned = layer === layers.service || layer === layers.circles;
    const where = {renderer: planned ? planCanvas : canvas, interactive: false,
      pane: planned ? "siting-plan" : "siting-lines"};
    L.geoJSON(geometry, Object.assign({style: Object.assign({fill: false}, where, style)}, where))
      .addTo(layer);
  }
  shapes(layers.roads, data.roads, look.roads);
  shapes(layers.zones, data.zones, look.zones);
  data.service.forEach((area, i) => shapes(layers.service, area.geometry, look.service[i % 2]));
  data.exclusions.forEach((area) => shapes(layers.exclusions, area.geometry, look.exclusions));
  shapes(layers.units, data.study, look.study);

  /* Planning units: outline and a label with the balance. */
  const unitName = (id) => words.popup_unit + " " + (id === data.no_unit ? words.no_unit : id);
  function unitRows(unit) {
    const asked = unit.required !== null;
    return [[words.unit_elders, number(unit.elders)],
      [words.unit_required, asked ? number(unit.required) : words.unit_unasked],
      [words.unit_existing, number(unit.existing)], [words.unit_planned, number(unit.planned)],
      [words.unit_shortfall, asked ? number(unit.shortfall) : null, unit.shortfall > 0],
      [words.unit_sites, number(unit.sites)]];
  }
  for (const unit of data.units) {
    if (!unit.geometry) continue;
    shapes(layers.units, unit.geometry, look.units);
    const label = node("div");
    label.append(node("div", unit.id));
    if (unit.shortfall > 0) {
      label.append(node("div", words.unit_short + " " + number(unit.shortfall), "siting-bad"));
    } else if (unit.required > 0) label.append(node("div", words.unit_balanced, "siting-enough"));
    const icon = L.divIcon({className: "siting-unit", html: label});
    L.marker(unit.label, {icon: icon, title: unitName(unit.id), alt: words.popup_unit})
      .bindPopup(() => popup(unitName(unit.id), unitRows(unit))).addTo(layers.units);
  }

  /* Circles of functions: shaded by what they lack, with a popup of every status. */
  for (const circle of data.circles) {
    if (!circle.geometry) continue;
    shapes(layers.circles, circle.geometry, look.circles[circle.grade]);
    const label = node("div");
    label.append(node("div", circle.id), node("div", circle.there,
      circle.grade === "some" || circle.grade === "many" ? "siting-bad" : ""));
    const icon = L.divIcon({className: "siting-unit siting-circle", html: label});
    const name = words.popup_circle + " " + circle.id;
    L.marker(circle.label, {icon: icon, title: name, alt: words.popup_circle})
      .bindPopup(() => popup(name, circle.rows)).addTo(layers.circles);
  }

  /* Facilities: circles sized by beds, the large ones below, smaller on a far or crowded view. */
  const closeness = () => Math.min(1, Math.max(0.5, (map.getZoom() - 9) / 4));
  const crowd = Math.min(1, Math.sqrt(600 / data.facilities.length));
  const room = () => map.getZoom() < 16 ? crowd : 1;
  const radius = (beds) => closeness() * room()
    * Math.min(20, Math.max(4, 1.5 + 0.7 * Math.sqrt(beds || 0)));
  const hollow = (made) => ({fillColor: "#ffffff", weight: 2.5,
    color: made.color === "#ffffff" ? made.fillColor : made.color});
  function style(place) {
    const made = Object.assign({}, look.places[place.status] || look.places.existing);
    if (!place.counts) Object.assign(made, hollow(made));
    return Object.assign(made, {radius: radius(place.beds), weight: made.weight * room()});
  }
  function facilityRows(place) {
    return [[words.popup_status, place.status_word], [words.popup_id, place.id],
      [words.popup_kind, place.kind], [words.popup_beds, number(place.beds)],
      [words.popup_added, number(place.added)], [words.popup_nursing, number(place.nursing)],
      [words.popup_dementia, number(place.dementia)], [words.popup_cost, number(place.cost, 1)],
      [words.popup_within, number(place.within)], [words.popup_rules, place.rules],
      [words.popup_functions, place.functions],
      [words.popup_rank, place.rank], [words.popup_phase, data.phased ? place.phase : null],
      [words.popup_street, place.street],
      [words.popup_unit, place.unit === data.no_unit ? words.no_unit : place.unit],
      [words.popup_counts, place.counts ? words.yes : words.no]];
  }
  const marks = data.facilities.map((place) => {
    const group = place.proposed ? layers.proposed : layers.existing;
    const tip = node("div", place.name, "siting-tip");
    const circle = L.circleMarker(place.at, Object.assign({renderer: svg, pane: "siting-places",
      bubblingMouseEvents: false,
      className: "siting-place siting-" + (place.proposed ? "proposed" : "existing")}, style(place)))
      .bindTooltip(() => tip, {direction: "top"})
      .bindPopup(() => popup(place.name, facilityRows(place))).addTo(group);
    return {circle, place, group};
  });
  map.on("zoomend", () => {
    for (const {circle, place} of marks) circle.setStyle(style(place));
  });

  /* Furniture: layers go to the side, scale and north arrow stay on the map. */
  const box = control.getContainer();
  document.getElementById("siting-layers").append(box);
  box.querySelector(".leaflet-control-layers-base").dataset.heading = words.base_layers;
  box.querySelector(".leaflet-control-layers-overlays").dataset.heading = words.overlays;
  L.control.scale({imperial: false, maxWidth: 160}).addTo(map);
  const north = L.control({position: "topright"});
  north.onAdd = () => {
    const made = node("div", null, "siting-north");
    made.append(node("span", words.north),
      drawing(24, 32, "path", {d: "M12 1 L22 31 L12 24 L2 31 Z", fill: "#1d2a36"}));
    return made;
  };
  north.addTo(map);
  map.attributionControl.setPrefix(false);
  map.attributionControl.addAttribution(words.note_internal);
  map.invalidateSize();
  if (data.bounds) map.fitBounds(data.bounds, {padding: [12, 12], animate: false});

  const kit = {node, list, popup, drawing, fill, number, words, canvas, marks, radius, hollow,
    unitName, unitRows, mode: ""};
  startLookup(map, data, kit);
  startLegend(map, layers, data, kit);
  startTools(map, layers, data, kit);
  startFinding(map, data, kit);
}
