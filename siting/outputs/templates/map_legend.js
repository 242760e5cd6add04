"use strict";
/* The legend: the classes of the theme and every symbol that the map shows, and no other. */
function startLegend(map, layers, data, kit) {
  const {node, words, radius} = kit, look = data.look;

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
  function disc(made, size) {
    return kit.drawing(Math.max(22, 2 * size + 4), 2 * size + 4, "circle", {
      cx: Math.max(22, 2 * size + 4) / 2, cy: size + 2, r: size, fill: made.fillColor,
      "fill-opacity": made.fillOpacity, stroke: made.color, "stroke-width": made.weight,
      "stroke-dasharray": made.dashArray || "none"});
  }
  function line(made) {
    return kit.drawing(22, 12, "rect", {x: 1.5, y: 1.5, width: 19, height: 9, stroke: made.color,
      "stroke-width": made.weight, "stroke-dasharray": made.dashArray || "none",
      fill: made.fill ? made.fillColor || made.color : "none",
      "fill-opacity": made.fillOpacity || 0});
  }
  function stroke(made) {
    return kit.drawing(22, 12, "path", {d: "M1 6 H21", stroke: made.color, "stroke-width": 1.6,
      "stroke-opacity": made.opacity, fill: "none"});
  }

  kit.showThemes = (keys) => {
    const box = document.getElementById("siting-theme");
    box.replaceChildren();
    for (const key of keys) {
      const theme = data.themes[key];
      if (!theme) continue;
      box.append(node("h3", theme.label));
      const entries = key === "density" ? [...theme.entries].reverse() : theme.entries;
      for (const entry of entries) {
        if (entry.people) box.append(row(swatch(entry.colour), entry.label, entry.people));
      }
    }
  };
  const on = (key) => layers[key] && map.hasLayer(layers[key]);
  function showPlaces(box) {
    const shown = kit.marks.filter((mark) => map.hasLayer(mark.circle)).map((mark) => mark.place);
    const present = new Set(shown.map((place) => place.status));
    if (!present.size) return;
    box.append(node("h3", words.beds_size));
    for (const [code, made] of Object.entries(look.places)) {
      if (present.has(code)) box.append(row(disc(made, 7), data.places[code]));
    }
    if (shown.some((place) => !place.counts)) {
      const made = Object.assign({}, look.places.existing, kit.hollow(look.places.existing));
      box.append(row(disc(made, 7), words.facility_unqualified));
    }
    box.append(node("div", null, "siting-row siting-sizes"));
  }
  function showShapes(box) {
    box.append(node("h3", words.overlays));
    if (on("units")) {
      if (data.units.some((unit) => unit.geometry)) box.append(row(line(look.units), words.popup_unit));
      if (data.study) box.append(row(line(look.study), words.study_area));
    }
    if (on("zones")) box.append(row(line(look.zones), words.layer_zones));
    if (on("roads")) box.append(row(stroke(look.roads), words.layer_roads));
    const grades = new Set(on("circles") ? data.circles.map((circle) => circle.grade) : []);
    for (const [grade, made] of Object.entries(look.circles)) {
      if (grades.has(grade)) {
        box.append(row(line(made), words.popup_circle + "\u2009·\u2009" + words["circle_" + grade]));
      }
    }
    if (on("service")) {
      data.service.forEach((area, i) => box.append(row(line(look.service[i % 2]), area.label)));
    }
    if (on("exclusions")) box.append(row(line(look.exclusions), words.layer_exclusions));
    if (box.lastChild.tagName === "H3") box.lastChild.remove();
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

  function showSymbols() {
    const box = document.getElementById("siting-symbols");
    box.replaceChildren();
    showPlaces(box);
    showShapes(box);
    showSizes();
  }

  map.on("zoomend", showSizes);
  map.on("overlayadd overlayremove siting-filter", showSymbols);
  map.on("baselayerchange", (event) => {
    kit.showThemes(Object.keys(data.themes).filter((key) => layers[key] === event.layer));
  });
  kit.showThemes([data.first]);
  showSymbols();
}
