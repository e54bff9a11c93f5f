// The data set a model was trained on, split as it was then.
#pragma once

#include <memory>
#include <string>

#include "data/batch_loader.h"
#include "data/open_data_set.h"
#include "data/split.h"
#include "format/model_file.h"

namespace sooner {

// Which data a model is run on.
struct DataChoice {
  std::string name = {};      // empty: the model's own
  std::string data_dir = {};  // empty: $SOONER_DATA
  bool other_data = false;
};

struct ModelData {
  DataSet data;
  Splits splits;
  // The source a split indexes.
  [[nodiscard]] std::shared_ptr<const ImageSource> source_of(const Split& split) const {
    return split.name == "test" ? data.test : data.train;
  }
};

// Opens the model's data set with the options recorded in its provenance. Throws kInvalidArgument when another set is
// named (unless choice.other_data), kFailedPrecondition when image shape, classes or content do not fit the model.
ModelData open_model_data(const Manifest& manifest, const DataChoice& choice = {});

// Loader options that preprocess as the model wants, in order, without augmentation.
LoaderOptions loader_options(const Manifest& manifest, int32_t batch_size);

// All of a split's images, preprocessed [n, C, H, W], and labels; with a limit so many, spread evenly over it.
Batch load_all(const Manifest& manifest, const ModelData& data, const Split& split, int64_t limit = -1);

}  // namespace sooner
