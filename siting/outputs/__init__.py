"""What a planner is handed: map, sheet, tables, GeoPackage, check page."""
