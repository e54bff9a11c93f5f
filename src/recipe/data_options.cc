#include "recipe/data_options.h"

namespace sooner {
namespace {

constexpr double kMany = 1e9;

}  // namespace

void add_data_options(std::vector<Option>& options, DataOptions& data) {
  options.push_back(
      {"data", "name",
       "glyphs, glyph-pairs (100 classes), glyph-angles (a regression), built in | mnist | fashion-mnist | cifar10 | "
       "cifar100 | folder:<path> | csv:<path>",
       &data.name});
  options.push_back({"data", "data_dir",
                     "Folder that holds mnist/, fashion-mnist/, cifar-10/ …; empty: environment variable SOONER_DATA.",
                     &data.data_dir});
  options.push_back(
      {"data", "image_shape",
       "[channels, rows, columns] that images of a folder or list are brought to; other sets have their own.",
       &data.image_shape, 1, 4096});
  options.push_back({"data", "glyph_train", "Built-in sets: training images drawn.", &data.glyph_train, 20, kMany});
  options.push_back({"data", "glyph_test", "Built-in sets: test images drawn.", &data.glyph_test, 20, kMany});
  options.push_back({"data", "glyph_seed", "Built-in sets: seed of the drawing.", &data.glyph_seed, 0, 9e15});
}

void add_split_options(std::vector<Option>& options, SplitOptions& split) {
  options.push_back({"split", "validation",
                     "Share of the training images that choose the best checkpoint and steer target_cost.",
                     &split.validation, 1e-6, 0.5});
  options.push_back({"split", "calibration",
                     "Share kept for tuning thresholds (half) and for guarantees (half); never trained on.",
                     &split.calibration, 0, 0.95});
  options.push_back({"split", "imbalance",
                     "Makes training long-tailed: the last class keeps 1/x of its training images, those between fall "
                     "exponentially; 1: off. Other splits stay as they are.",
                     &split.imbalance, 1, 1e6});
  options.push_back({"split", "seed", "Seed of the splits. Runs that are compared share it.", &split.seed, 0, 9e15});
}

}  // namespace sooner
