"""ONNX Runtime's own static int8 quantisation: QDQ, weights per channel, calibrated on real training images."""

import logging
import pathlib
import tempfile

from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

CALIBRATION_BATCH = 64


class Images(CalibrationDataReader):
    def __init__(self, images):
        starts = range(0, len(images), CALIBRATION_BATCH)
        self._batches = ({"input": images[at : at + CALIBRATION_BATCH]} for at in starts)

    def get_next(self):
        return next(self._batches, None)


def quantize(source, target, images):
    """images: preprocessed [n, C, H, W]. Activations unsigned, weights signed: what processors multiply fastest."""
    logging.getLogger().setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        prepared = pathlib.Path(folder) / "prepared.onnx"  # batch norms folded, shapes inferred
        quant_pre_process(str(source), str(prepared))
        quantize_static(str(prepared), str(target), Images(images), quant_format=QuantFormat.QDQ, per_channel=True,
                        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
