"use strict";
/* Draws a plan from the JSON beside it. Data reaches the page as text nodes only, never as HTML. */
function startSiting(map, layers, control) {
  const data = JSON.parse(document.getElementById("siting-data").textContent);
  const words = data.words;
  const number = (value, digits) => value === null || value === undefined ? "–"
    : value.toLocaleString("en-US", {maximumFractionDigits: digits === undefined ? 0 : digits});

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
  /* Where a popup may not lie: beside the buttons on a wide map, below them on a narrow one. */
  const clear = () => map.getSize().x > 460
    ? {autoPanPaddingTopLeft: [56, 12], autoPanPaddingBottomRight: [62, 12]}
    : {autoPanPaddingTopLeft: [6, 84], autoPanPaddingBottomRight: [6, 12]};
  function popup(title, rows) {
    const made = node("div", null, "siting-popup");
    made.append(node("h4", title), list(rows));
    return made;
  }

  /* Lines and areas: one canvas, below the facilities, deaf to the mouse. */
  map.createPane("siting-lines").style.zIndex = 420;
  map.createPane("siting-places").style.zIndex = 450;
  const canvas = L.canvas({pane: "siting-lines", padding: 0.3});
  const svg = L.svg({pane: "siting-places", padding: 0.3});
  function shapes(layer, geometry, style) {
    if (!geometry || !layer) return;
    const options = Object.assign({renderer: canvas, pane: "siting-lines", interactive: false,
      fill: false}, style);
    L.geoJSON(geometry, {style: options, interactive: false, pane: "siting-lines",
      renderer: canvas}).addTo(layer);
  }
  const look = data.look;
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
    L.marker(unit.label, {icon: icon, title: unitName(unit.id),
      alt: words.popup_unit})
      .bindPopup(() => popup(unitName(unit.id), unitRows(unit)), clear()).addTo(layers.units);
  }

  /* Circles of functions: shaded by what they lack, with a popup of every status. */
  for (const circle of data.circles) {
    if (!circle.geometry || !layers.circles) continue;
    shapes(layers.circles, circle.geometry, look.circles[circle.grade]);
    const label = node("div");
    label.append(node("div", circle.id), node("div", circle.there,
      circle.grade === "some" || circle.grade === "many" ? "siting-bad" : ""));
    const icon = L.divIcon({className: "siting-unit siting-circle", html: label});
    const name = words.popup_circle + " " + circle.id;
    L.marker(circle.label, {icon: icon, title: name, alt: words.popup_circle})
      .bindPopup(() => popup(name, circle.rows), clear()).addTo(layers.circles);
  }

  /* Facilities: circles sized by beds, the large ones below, all smaller on a far view. */
  const closeness = () => Math.min(1, Math.max(0.5, (map.getZoom() - 9) / 4));
  const radius = (beds) => closeness()
    * Math.min(20, Math.max(4, 1.5 + 0.7 * Math.sqrt(beds || 0)));
  const circles = [];
  const hollow = (made) => ({fillColor: "#ffffff", weight: 2.5,
    color: made.color === "#ffffff" ? made.fillColor : made.color});
  function style(place) {
    const made = Object.assign({}, look.places[place.status] || look.places.existing);
    if (!place.counts) Object.assign(made, hollow(made));
    return made;
  }
  function facilityRows(place) {
    return [[words.popup_status, place.status_word], [words.popup_id, place.id],
      [words.popup_kind, place.kind], [words.popup_beds, number(place.beds)],
      [words.popup_added, number(place.added)], [words.popup_nursing, number(place.nursing)],
      [words.popup_dementia, number(place.dementia)], [words.popup_cost, number(place.cost, 1)],
      [words.popup_within, number(place.within)], [words.popup_rules, place.rules],
      [words.popup_functions, place.functions],
      [words.popup_rank, place.rank],
      [words.popup_unit, place.unit === data.no_unit ? words.no_unit : place.unit],
      [words.popup_counts, place.counts ? words.yes : words.no]];
  }
  for (const place of data.facilities) {
    const circle = L.circleMarker(place.at, Object.assign({renderer: svg, pane: "siting-places",
      radius: radius(place.beds), bubblingMouseEvents: false,
      className: "siting-place siting-" + (place.proposed ? "proposed" : "existing")}, style(place)));
    const tip = node("div", place.name, "siting-tip");
    circle.bindTooltip(() => tip, {direction: "top"});
    circle.bindPopup(() => popup(place.name, facilityRows(place)), clear());
    circle.addTo(place.proposed ? layers.proposed : layers.existing);
    circles.push([circle, place.beds]);
  }

  /* Look-up: the index picture tells which demand point a pixel belongs to. */
  let index = null;
  const grid = data.grid;
  if (grid) {
    const image = new Image();
    image.onload = () => {
      const board = document.createElement("canvas");
      board.width = grid.width;
      board.height = grid.height;
      const context = board.getContext("2d", {willReadFrequently: true});
      context.drawImage(image, 0, 0);
      index = context.getImageData(0, 0, grid.width, grid.height).data;
      map.getContainer().classList.add("siting-ready");
    };
    image.src = grid.index;
  } else map.getContainer().classList.add("siting-ready");
  function demandAt(latlng) {
    if (!index) return -1;
    const at = L.CRS.EPSG3857.project(latlng);
    const column = Math.floor((at.x - grid.left) / grid.pixel);
    const row = Math.floor((grid.top - at.y) / grid.pixel);
    if (column < 0 || row < 0 || column >= grid.width || row >= grid.height) return -1;
    const start = 4 * (row * grid.width + column);
    const found = index[start] * 65536 + index[start + 1] * 256 + index[start + 2] - 1;
    return found < data.demand.id.length ? found : -1;
  }
  function inRing(ring, x, y) {
    let inside = false;
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [ax, ay] = ring[i], [bx, by] = ring[j];
      if ((ay > y) !== (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax) inside = !inside;
    }
    return inside;
  }
  function holds(geometry, latlng) {
    if (!geometry) return false;
    const parts = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
    return parts.some((rings) => rings.filter(
      (ring) => inRing(ring, latlng.lng, latlng.lat)).length % 2 === 1);
  }
  function demandRows(i) {
    const d = data.demand, facility = data.facilities.find((place) => place.id === d.nearest[i]);
    const after = data.themes.after.entries[d.after[i]];
    return [[words.popup_elders, number(d.elders[i], 1)],
      [words.popup_density, number(d.density[i], 1)],
      [words.popup_class, data.themes.class.entries[d.class[i]].label],
      [words.popup_before, data.themes.before.entries[d.before[i]].label],
      [words.popup_after, after.label, after.bad],
      [words.popup_nearest, facility ? facility.name : d.nearest[i]],
      [words.popup_network, number(d.network[i], 1)], [words.popup_straight, number(d.straight[i], 1)],
      [words.popup_standard, d.standard[i] === null ? null : number(d.standard[i])],
      [words.popup_zone, d.zone[i] === null ? null : data.zone_names[d.zone[i]]],
      [words.popup_blocked, d.blocked[i]], [words.popup_note, d.note[i]]];
  }
  map.on("click", (event) => {
    const i = demandAt(event.latlng), at = event.latlng;
    const made = i < 0 ? popup(words.popup_nothing, [])
      : popup(words.popup_point + " " + data.demand.id[i], demandRows(i));
    const unit = data.units.find((one) => i < 0 ? holds(one.geometry, at)
      : one.id === data.demand.unit[i]);
    if (unit) made.append(node("h5", unitName(unit.id)), list(unitRows(unit)));
    const closed = data.exclusions.filter((one) => holds(one.geometry, at)).map((one) => one.name);
    if (closed.length) made.append(list([[words.popup_excluded, closed.join("\n")]]));
    L.popup(clear()).setLatLng(at).setContent(made).openOn(map);
  });

  /* Legend. */
  function row(symbol, label, value) {
    const made = node("div", null, "siting-row");
    made.append(symbol, node("span", label));
    if (value) made.append(node("b", value));
    return made;
  }
  function swatch(colour) {
    const made = node("i");
    made.style.background = colour;
    made.style.opacity = look.opacity;
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
  function disc(made, size) {
    return drawing(Math.max(22, 2 * size + 4), 2 * size + 4, "circle", {
      cx: Math.max(22, 2 * size + 4) / 2, cy: size + 2, r: size, fill: made.fillColor,
      "fill-opacity": made.fillOpacity, stroke: made.color, "stroke-width": made.weight,
      "stroke-dasharray": made.dashArray || "none"});
  }
  function line(made) {
    return drawing(22, 12, "rect", {x: 1.5, y: 1.5, width: 19, height: 9, stroke: made.color,
      "stroke-width": made.weight, "stroke-dasharray": made.dashArray || "none",
      fill: made.fill ? made.fillColor || made.color : "none",
      "fill-opacity": made.fillOpacity || 0});
  }
  function stroke(made) {
    return drawing(22, 12, "path", {d: "M1 6 H21", stroke: made.color, "stroke-width": 1.6,
      "stroke-opacity": made.opacity, fill: "none"});
  }
  function showTheme(key) {
    const box = document.getElementById("siting-theme"), theme = data.themes[key];
    box.replaceChildren();
    if (!theme) return;
    box.append(node("h3", theme.label));
    const entries = key === "density" ? [...theme.entries].reverse() : theme.entries;
    for (const entry of entries) {
      if (entry.people) box.append(row(swatch(entry.colour), entry.label, entry.people));
    }
  }
  function showSymbols() {
    const box = document.getElementById("siting-symbols");
    const present = new Set(data.facilities.map((place) => place.status));
    if (present.size) box.append(node("h3", words.beds_size));
    for (const [code, made] of Object.entries(look.places)) {
      if (present.has(code)) box.append(row(disc(made, 7), data.places[code]));
    }
    if (data.facilities.some((place) => !place.counts)) {
      box.append(row(disc(Object.assign({}, look.places.existing, hollow(look.places.existing)), 7),
        words.facility_unqualified));
    }
    if (present.size) box.append(node("div", null, "siting-row siting-sizes"));
    box.append(node("h3", words.overlays));
    if (data.units.some((unit) => unit.geometry)) box.append(row(line(look.units), words.popup_unit));
    if (data.study) box.append(row(line(look.study), words.study_area));
    if (data.zones) box.append(row(line(look.zones), words.layer_zones));
    if (data.roads) box.append(row(stroke(look.roads), words.layer_roads));
    const grades = new Set(data.circles.map((circle) => circle.grade));
    for (const [grade, made] of Object.entries(look.circles)) {
      if (grades.has(grade)) {
        box.append(row(line(made), words.popup_circle + "\u2009·\u2009" + words["circle_" + grade]));
      }
    }
    data.service.forEach((area, i) => box.append(row(line(look.service[i % 2]), area.label)));
    if (data.exclusions.length) box.append(row(line(look.exclusions), words.layer_exclusions));
  }
  function showSizes() {
    const box = document.querySelector(".siting-sizes");
    if (!box) return;
    box.replaceChildren();
    const code = ["existing", "new"].find((one) => data.facilities.some((f) => f.status === one));
    for (const beds of [10, 100, 300]) {
      box.append(disc(look.places[code || "existing"], radius(beds)), node("b", beds));
    }
  }
  map.on("zoomend", () => {
    for (const [circle, beds] of circles) circle.setRadius(radius(beds));
    showSizes();
  });
  map.on("baselayerchange", (event) => {
    const found = Object.keys(data.themes).find((key) => layers[key] === event.layer);
    showTheme(found);
  });
  showTheme(data.first);
  showSymbols();
  showSizes();

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
  document.querySelector(".siting-toggle").addEventListener("click", () => {
    document.getElementById("siting-side").classList.toggle("siting-open");
  });
  map.invalidateSize();
  if (data.bounds) map.fitBounds(data.bounds, {padding: [12, 12], animate: false});
}
