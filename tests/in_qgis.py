"""Opens a GeoPackage in QGIS, without a screen, and prints as JSON what it sees."""

from __future__ import annotations

import json
import sys

from qgis.core import (
    QgsApplication,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsProject,
    QgsRenderContext,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

WIDE, HIGH = 900, 700


def look(path: str, names: list[str]) -> dict[str, object]:
    """Return what QGIS shows of each layer as it opens, and of all of them together."""
    layers = [QgsVectorLayer(f"{path}|layername={name}", name, "ogr") for name in names]
    QgsProject.instance().addMapLayers(layers)
    seen = {layer.name(): about(layer) for layer in layers if layer.isValid()}
    return {"layers": seen, "labels": render(layers, layers[0])[1]}


def about(layer: QgsVectorLayer) -> dict[str, object]:
    """Return renderer, features that it draws nothing for, labels and colours of a layer."""
    renderer, context = layer.renderer(), QgsRenderContext()
    scopes = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
    renderer.startRender(context, layer.fields())
    missed = 0
    for feature in layer.getFeatures():
        scopes.setFeature(feature)
        context.setExpressionContext(scopes)
        missed += renderer.symbolForFeature(feature, context) is None
    renderer.stopRender(context)
    colours, labels = render([layer], layer)
    return {
        "renderer": renderer.type(),
        "features": layer.featureCount(),
        "missed": missed,
        "legend": [item.label() for item in renderer.legendSymbolItems()],
        "heads": [layer.attributeAlias(k) for k in range(layer.fields().count())],
        "crs": layer.crs().authid(),
        "colours": colours,
        "labels": labels,
    }


def render(layers: list[QgsVectorLayer], whole: QgsVectorLayer) -> tuple[int, list[str]]:
    """Return how many colours a picture of layers has, and the labels on it."""
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setBackgroundColor(QColor("white"))
    settings.setOutputSize(QSize(WIDE, HIGH))
    settings.setDestinationCrs(whole.crs())
    extent = whole.extent()
    extent.scale(1.2)
    settings.setExtent(extent)
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    picture = job.renderedImage()
    colours = {picture.pixel(x, y) for x in range(0, WIDE, 4) for y in range(0, HIGH, 4)}
    labels = [each.labelText for each in job.takeLabelingResults().allLabels()]
    return len(colours), sorted(labels)


if __name__ == "__main__":
    application = QgsApplication([], False)  # noqa: FBT003 - no windows
    application.initQgis()
    sys.stdout.write(json.dumps(look(sys.argv[1], sys.argv[2:])) + "\n")
    application.exitQgis()
