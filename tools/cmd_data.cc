// `sooner data`: opens a data set and shows what is in it.
#include <fmt/ranges.h>

#include <map>

#include "cli/output.h"
#include "cli/table.h"
#include "command.h"
#include "core/text.h"
#include "data/open_data_set.h"
#include "data/split.h"

namespace sooner {
namespace {

struct DataArguments {
  DataOptions data;
  SplitOptions split;
  std::string indices;  // of this split alone
  OutputForm form = OutputForm::kText;
};

void run(const DataArguments& arguments) {
  const DataSet data = open_data_set(arguments.data);
  const Splits splits = make_splits(data, arguments.split);
  if (!arguments.indices.empty()) {
    for (const int64_t index : splits.by_name(arguments.indices).indices) fmt::print("{}\n", index);
    return;
  }
  std::vector<std::string> columns{data.quantity ? "kind" : "class"};
  const std::vector<const Split*> all{&splits.train, &splits.validation, &splits.tune, &splits.guarantee, &splits.test};
  for (const Split* split : all) columns.push_back(split->name);
  Table table(columns);
  std::vector<std::vector<int64_t>> counts(all.size(), std::vector<int64_t>(data.class_names.size()));
  for (size_t s = 0; s < all.size(); ++s) {
    const ImageSource& source = all[s]->name == "test" ? *data.test : *data.train;
    for (const int64_t index : all[s]->indices) ++counts[s][static_cast<size_t>(source.label(index))];
  }
  for (size_t c = 0; c < data.class_names.size(); ++c) {
    std::vector<Cell> row{cell(data.class_names[c])};
    for (size_t s = 0; s < all.size(); ++s) row.push_back(count(counts[s][c]));
    table.add(std::move(row));
  }
  if (arguments.form == OutputForm::kText) {
    const std::string asked = data.quantity ? fmt::format("asks for the {} in {}, {} kinds", data.quantity->name,
                                                          data.quantity->unit, data.classes())
                                            : fmt::format("{} classes", data.classes());
    fmt::print("{}: {} images, {}, {} for training, {} for testing, content {}\n", data.name,
               to_string(data.image_shape), asked, data.train->size(), data.test->size(), data.hash);
    fmt::print("mean {:.4f}, standard deviation {:.4f} per channel, of pixels / 255\n\n", fmt::join(data.mean, " "),
               fmt::join(data.std, " "));
  }
  table.print(arguments.form);
  if (arguments.form == OutputForm::kText) {
    fmt::print("\nsplits (seed {}):", arguments.split.seed);
    for (const Split* split : all) fmt::print(" {} {} ({})", split->name, split->indices.size(), split->hash);
    fmt::print("\n");
  }
}

}  // namespace

void add_data(CLI::App& app) {
  const auto arguments = std::make_shared<DataArguments>();
  app.add_option("name", arguments->data.name,
                 "glyphs | glyph-pairs | glyph-angles | mnist | fashion-mnist | cifar10 | cifar100 | folder:<path> | "
                 "csv:<path>")
      ->capture_default_str();
  app.add_option("--data-dir", arguments->data.data_dir, "folder with the data sets; default: $SOONER_DATA");
  app.add_option("--image-shape", arguments->data.image_shape, "folders and lists: C,H,W")->delimiter(',')->expected(3);
  app.add_option("--validation", arguments->split.validation, "share of the training images")->capture_default_str();
  app.add_option("--calibration", arguments->split.calibration, "share of the training images")->capture_default_str();
  app.add_option("--imbalance", arguments->split.imbalance,
                 "the last class keeps 1/x of its training images, others more; 1: all")
      ->capture_default_str();
  app.add_option("--seed", arguments->split.seed, "of the splits")->capture_default_str();
  app.add_option("--indices", arguments->indices,
                 "print where a split's images stand among the training images (test: the test images), one a line, "
                 "for programs that train on the same ones: train, validation, tune, guarantee or test");
  add_output_options(app, &arguments->form);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace sooner
