#include "data/data_summary.h"

#include <utility>

namespace sooner {

DataSummary summarize(const DataSet& data, const Splits& splits) {
  DataSummary summary{data.name, data.hash, data.image_shape, data.class_names, data.mean, data.std, {}};
  for (const Split* split : {&splits.train, &splits.validation, &splits.tune, &splits.guarantee, &splits.test}) {
    const ImageSource& source = split == &splits.test ? *data.test : *data.train;
    SplitSummary one;
    one.name = split->name;
    one.hash = split->hash;
    one.size = static_cast<int64_t>(split->indices.size());
    one.per_class.resize(static_cast<size_t>(data.classes()));
    for (const int64_t index : split->indices) {
      ++one.per_class.at(static_cast<size_t>(source.label(index)));
      one.mean_difficulty += source.difficulty(index) / static_cast<double>(one.size);
    }
    summary.splits.push_back(std::move(one));
  }
  return summary;
}

}  // namespace sooner
