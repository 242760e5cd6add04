"""Bugs in atlas, report, access and the layers for other programs."""

from __future__ import annotations

from planted.bug import Bug

BUGS = (
    Bug(
        "the scale of A4 sheets is that of A3", "siting/outputs/sheet_window.py",
        "return self.denominator * self.enlargement / 1000", "return self.denominator / 1000",
        "tests/test_atlas.py::test_other_papers_have_a_standard_scale_of_their_own",
    ),
    Bug(
        "the near sheet shows what is built later as built", "siting/outputs/atlas_layers.py",
        """np.where(now, table["id"].map(stood["status"]), "later")""", """table["status"]""",
        "tests/test_atlas.py::test_the_near_sheet_shows_what_stands_by_then",
    ),
    Bug(
        "a place counts the beds of homes that do not count", "siting/outputs/places.py",
        "each.judged.counted_beds, size)", "each.judged.layout.beds, size)",
        "tests/test_atlas.py::test_places_add_up_their_points_and_facilities",
    ),
    Bug(
        "labels may stand on what is there", "siting/outputs/sheet_labels.py",
        "return not self.taken[rows, columns].any()", "return True",
        "tests/test_atlas.py::test_legend_scale_and_words_are_true",
    ),
    Bug(
        "today has the beds of the plan", "siting/outputs/atlas_layers.py",
        'return today.assign(status=status, beds=today["beds_today"], rank=np.nan)',
        "return today.assign(status=status, rank=np.nan)",
        "tests/test_atlas.py::test_today_has_the_beds_of_today",
    ),
    Bug(
        "newly covered and covered before are exchanged", "siting/outputs/atlas_layers.py",
        'served = np.where(before == 1, "cover-kept", "cover-gained")',
        'served = np.where(before == 1, "cover-gained", "cover-kept")',
        "tests/test_atlas.py::test_each_point_has_the_colour_of_its_coverage",
    ),
    Bug(
        "supply is that of today", "siting/outputs/atlas_layers.py",
        '(table["scope"] == "unit") & (table["state"] == "plan")',
        '(table["scope"] == "unit") & (table["state"] == "existing")',
        "tests/test_atlas.py::test_each_unit_has_the_colour_of_its_beds_today_and_of_its_supply_in_the_plan",
    ),
    Bug(
        "the bed balance is that of the plan", "siting/outputs/atlas_layers.py",
        'have = units["beds_existing"].to_numpy(dtype=float)',
        'have = units["beds_planned"].to_numpy(dtype=float)',
        "tests/test_atlas.py::test_each_unit_has_the_colour_of_its_beds_today_and_of_its_supply_in_the_plan",
    ),
    Bug(
        "a circle whose functions are unknown is whole", "siting/outputs/atlas_layers.py",
        'whole = ~status.isin(["missing", "unknown"]).any(axis=1).to_numpy()',
        'whole = ~status.isin(["missing"]).any(axis=1).to_numpy()',
        "tests/test_atlas.py::test_a_circle_is_whole_where_no_function_is_missing_or_unknown",
    ),
    Bug(
        "a sheet may not show all of the study area", "siting/outputs/sheet_window.py",
        "denominator = next((d for d in DENOMINATORS if d >= need), DENOMINATORS[-1])",
        "denominator = next((d for d in DENOMINATORS if d >= need / 2), DENOMINATORS[-1])",
        "tests/test_atlas.py tests/test_sheet.py",
    ),
    Bug(
        "elders without a duty count in the coverage of a place", "siting/outputs/places.py",
        "weight = np.where(duty, problem.elders, 0.0)", "weight = problem.elders",
        "tests/test_atlas.py::test_places_add_up_their_points_and_facilities",
    ),
    Bug(
        "report: beds of today and planned are exchanged", "siting/outputs/report_plan.py",
        "told.number(each.beds_existing),\n            told.number(each.beds_planned),",
        "told.number(each.beds_planned),\n            told.number(each.beds_existing),",
        "tests/test_report.py::test_units_streets_and_stages_are_those_of_the_tables",
    ),
    Bug(
        "report: what a facility costs is rounded to whole amounts",
        "siting/outputs/report_plan.py",
        'told.number(each.cost_wan_yuan, 1), ""', 'told.number(each.cost_wan_yuan), ""',
        "tests/test_report.py",
    ),
    Bug(
        "report: a number that is missing is 0", "siting/outputs/report_told.py",
        "            return NOTHING\n        return figure(float(value), decimals)",
        '            return "0"\n        return figure(float(value), decimals)',
        "tests/test_report.py::test_no_number_is_lost_to_a_missing_value",
    ),
    Bug(
        "report: what does not print stays", "siting/outputs/report_told.py",
        'return UNPRINTABLE.sub(" ", str(value))', "return str(value)",
        "tests/test_report.py::test_long_names_tabs_and_pictographs_stay_whole",
    ),
    Bug(
        "report: rows left out are all rows", "siting/outputs/report_told.py",
        "left = len(rows) - len(shown)", "left = len(rows)",
        "tests/test_report.py::test_long_tables_are_cut_and_what_is_left_out_is_counted",
    ),
    Bug(
        "report: the coverage of today is that of the plan", "siting/outputs/report_opening.py",
        'told.share(record["coverage"][state][grade]) for state in ("existing", "plan")',
        'told.share(record["coverage"][state][grade]) for state in ("plan", "plan")',
        "tests/test_report.py::test_the_summary_has_the_figures_of_the_record",
    ),
    Bug(
        "report: the bound is the value", "siting/outputs/report_closing.py",
        'told.number(each["bound"], 2)', 'told.number(each["value"], 2)',
        "tests/test_report.py::test_a_stage_left_open_shows_its_bound_beside_its_value",
    ),
    Bug(
        "report: a sensitive reading of density is not said", "siting/outputs/report_opening.py",
        'changed = density[density["changed_share"] > SENSITIVE_SHARE]',
        'changed = density[density["changed_share"] > 1.0]',
        "tests/test_report.py::test_an_estimate_and_a_sensitive_reading_are_said_on_the_first_page",
    ),
    Bug(
        "report: written into the document that the template was filled in",
        "siting/outputs/report_docx.py",
        "document = _reopened(made)", "document = made.docx", "tests/test_report.py",
    ),
    Bug(
        "access: a bed at the edge of the catchment counts", "siting/access.py",
        "weight = (np.exp(-0.5 * (metres / catchment_m) ** 2) - edge) / (1.0 - edge)",
        "weight = np.exp(-0.5 * (metres / catchment_m) ** 2)",
        "tests/test_access.py::test_the_decay_is_one_at_the_door_and_nothing_at_the_edge",
    ),
    Bug(
        "access: elders are counted without their distance", "siting/access.py",
        "wanted = np.asarray(weights @ elders, dtype=np.float64)",
        "wanted = np.asarray((weights > 0) @ elders, dtype=np.float64)",
        "tests/test_access.py::test_two_homes_share_the_elders_between_them",
    ),
    Bug(
        "access: nine tenths of the points, not of the elders", "siting/access.py",
        "reached = np.cumsum(elders[some][order])", "reached = np.cumsum(elders[some][order] > 0)",
        "tests/test_access.py::test_the_ninetieth_percentile_counts_elders_and_leaves_out_those_without_a_way",
    ),
    Bug(
        "access: the walk leaves out who is exactly as far", "siting/access.py",
        "near = metres <= walk", "near = metres < walk - 2 * DISTANCE_TOLERANCE_M",
        "tests/test_access.py::test_four_points_on_a_line_by_hand",
    ),
    Bug(
        "access: homes of which nothing is told are empty", "siting/access.py",
        "filled = float(told.beds[sites][~dark].sum())", "filled = float(told.beds[sites].sum())",
        "tests/test_access.py::test_a_home_not_told_of_is_left_out_of_the_occupancy_and_counted",
    ),
    Bug(
        "access: elders without a way are off the roads", "siting/access.py",
        '"elders_without_way": float(elders[lost & ~off].sum()),',
        '"elders_without_way": float(elders[lost].sum()),',
        "tests/test_access.py::test_who_is_off_the_roads_and_who_has_no_way_are_counted_apart",
    ),
    Bug(
        "access: the Lorenz curve begins with those who have most", "siting/access.py",
        'order = np.argsort(amount / people, kind="stable")',
        'order = np.argsort(-amount / people, kind="stable")',
        "tests/test_access.py::test_t9_all_beds_in_one_of_two_equal_units_are_a_gini_of_one_half",
    ),
    Bug(
        "exchange: texts are cut at letters, not at bytes", "siting/outputs/exchange.py",
        'return words.encode()[:TEXT_BYTES].decode(errors="ignore")', "return words[:TEXT_BYTES]",
        "tests/test_exchange.py::test_text_that_is_too_long_is_cut_at_a_whole_letter_and_counted",
    ),
    Bug(
        "exchange: texts that were cut are not counted", "siting/outputs/exchange.py",
        "cut[name] = sum(now is not None and now != was for now, was in pairs)", "cut[name] = 0",
        "tests/test_exchange.py::test_text_that_is_too_long_is_cut_at_a_whole_letter_and_counted",
    ),
    Bug(
        "exchange: GeoJSON in metres", "siting/outputs/exchange.py",
        '_write(table.to_crs(4326), path, name, {"RFC7946": "YES"})',
        '_write(table, path, name, {"RFC7946": "NO"})',
        "tests/test_exchange.py::test_geojson_is_in_degrees_with_all_columns_whole",
    ),
    Bug(
        "exchange: names that differ in case only", "siting/outputs/exchange.py",
        "taken = {each.lower() for each in names.values()}", "taken = set(names.values())",
        "tests/test_exchange.py::test_names_of_the_planners_own_are_made_short_and_different",
    ),
    Bug(
        "exchange: a flag that is not known is false", "siting/outputs/exchange.py",
        'words = values.map({True: "true", False: "false"}).astype(object)',
        'words = values.fillna(False).map({True: "true", False: "false"}).astype(object)',
        "tests/test_exchange.py::test_shapefiles_hold_what_the_geopackage_holds",
    ),
    Bug(
        "one place: a guide page takes planned beds for those that are missing",
        "siting/outputs/atlas_guide.py",
        'tell(paper, "beds_missing"), "", number(paper, place.shortfall)',
        'tell(paper, "beds_missing"), "", number(paper, place.beds_planned)',
        "tests/test_one_place.py::test_an_output_says_what_the_rows_add_up_to",
    ),
    Bug(
        "one place: the report counts the homes of today as missing beds",
        "siting/outputs/report_opening.py",
        'missing = told.number(beds["shortfall"])', 'missing = told.number(beds["existing"])',
        "tests/test_one_place.py::test_an_output_says_what_the_rows_add_up_to",
    ),
    Bug(
        "one place: a unit on the map lacks what it needs", "siting/outputs/map_data.py",
        '"shortfall": _numbers(units["shortfall"]) if asked else nothing,',
        '"shortfall": _numbers(units["beds_required"]) if asked else nothing,',
        "tests/test_one_place.py::test_an_output_says_what_the_rows_add_up_to",
    ),
    Bug(
        "report: a column has no room for its longest word", "siting/outputs/report_word.py",
        "moved = min(sum(over), sum(lack))", "moved = 0.0",
        "tests/test_report.py::test_columns_of_word_have_room_for_their_longest_word",
    ),
    Bug(
        "fonts: a face that another run draws with is removed", "siting/outputs/fonts.py",
        "            if _used(old) < time() - IN_USE_S:\n", "            if _used(old) < time():\n",
        "tests/test_fonts.py::test_the_cache_does_not_grow_for_ever",
    ),
    Bug(
        "service areas: as wide as places are apart", "siting/outputs/service_areas.py",
        "max(WIDEST_M, step / 2)",
        "max(WIDEST_M, 10 * step)",
        "tests/test_service_areas.py",
    ),
    Bug(
        "service areas: the way there is not taken off",
        "siting/outputs/service_areas.py",
        "np.clip(distance - metres[near], 1.0,",
        "np.clip(distance + 0.0 * metres[near], 1.0,",
        "tests/test_service_areas.py",
    ),
    Bug(
        "service areas: an edge is as far as its first node",
        "siting/outputs/service_areas.py",
        "Snap(edge, share * network",
        "Snap(edge, 0 * share * network",
        "tests/test_service_areas.py",
    ),
    Bug(
        "service areas: holes are filled", "siting/outputs/service_areas.py",
        "return shapely.Polygon(rings[0], rings[1:])",
        "return shapely.Polygon(rings[0])",
        "tests/test_service_areas.py",
    ),
    Bug(
        "the map draws the outline of a hole as an area", "siting/outputs/map_raster.py",
        "own = range(firsts[k], firsts[k + 1])",
        "own = range(firsts[k], firsts[k] + 1)",
        "tests/test_map.py",
    ),
)  # fmt: skip
