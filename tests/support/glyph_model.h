// An untrained network for glyphs with an early exit, and the data set it says it was trained on: small enough for unit
// tests of what measures models.
#pragma once

#include "data/glyphs.h"
#include "format/model_file.h"
#include "support/random_weights.h"
#include "zoo/zoo.h"

namespace sooner::test {

// Of 400 training glyphs 40 are for validation, 40 for tuning, 40 for guarantees; 60 for tests.
inline ModelFile glyph_model(uint64_t seed = 1) {
  ModelFile file;
  Manifest& manifest = file.manifest;
  manifest.graph = build_network({"b-lenet", "names:conv1", "gap-fc", "none"}, glyph_shape(), 10);
  manifest.class_names = glyph_class_names();
  manifest.preprocessing = {.image_shape = glyph_shape(), .mean = {0.5}, .std = {0.25}, .channel_order = "L"};
  manifest.policy = {.name = "max-prob", .thresholds = Threshold::scores({0.2})};
  manifest.provenance.data_set = "glyphs";
  manifest.provenance.config_toml =
      "[data]\nglyph_train = 400\nglyph_test = 60\n[split]\nvalidation = 0.1\ncalibration = 0.2\n";
  file.tensors = random_weights(manifest.graph, seed);
  return file;
}

}  // namespace sooner::test
