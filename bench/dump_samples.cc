// Writes the images a model was made for as raw files, so that every contender of a comparison reads the same floats.
//
//   dump_samples MODEL FOLDER [--calibration N]
//
// FOLDER gets images.f32 [n, C, H, W] and labels.i32 [n] of the test split, calibration.f32 [N, C, H, W] of the
// training split (its beginning; the splits are shuffled), all preprocessed and little-endian, and samples.json with
// the shapes.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "bench/program.h"
#include "core/file.h"
#include "measure/model_data.h"

namespace sooner {
namespace {

template <typename T>
void write_raw(const std::filesystem::path& path, const std::vector<T>& values) {
  write_file_atomically(path, [&](FileSink& sink) { sink.write(std::as_bytes(std::span(values))); });
}

void dump(const std::string& model, const std::filesystem::path& folder, int64_t calibration,
          const DataChoice& choice) {
  const ModelFile file = load_model(model);
  const ModelData data = open_model_data(file.manifest, choice);
  const Batch test = load_all(file.manifest, data, data.splits.by_name("test"));
  const Batch train = load_all(file.manifest, data, data.splits.by_name("train"), calibration);
  make_folder(folder);
  write_raw(folder / "images.f32", test.images);
  write_raw(folder / "labels.i32", test.labels);
  write_raw(folder / "calibration.f32", train.images);
  nlohmann::ordered_json json;
  json["data_set"] = data.data.name;
  json["network"] = file.manifest.graph.name;
  json["model_hash"] = model_hash(file);
  json["image_shape"] = file.manifest.graph.input_shape;
  json["classes"] = file.manifest.graph.classes;
  json["samples"] = test.n;
  json["calibration_samples"] = train.n;
  write_file_atomically(folder / "samples.json", json.dump(2) + "\n");
}

int run(int argc, char** argv) {
  CLI::App app("writes a model's test images and some training images as raw floats", "dump_samples");
  std::string model;
  std::string folder;
  int64_t calibration = 512;
  DataChoice choice;
  app.add_option("model", model, "a .safetensors model")->required();
  app.add_option("folder", folder, "where to")->required();
  app.add_option("--calibration", calibration, "images of the training split")->check(CLI::Range(1, 1 << 20));
  app.add_option("--data", choice.name, "data set; default: the one the model was trained on");
  app.add_option("--data-dir", choice.data_dir, "folder with the data sets; default: $SOONER_DATA");
  app.add_flag("--other-data", choice.other_data, "allow another data set than the model's");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  dump(model, folder, calibration, choice);
  return 0;
}

}  // namespace
}  // namespace sooner

int main(int argc, char** argv) {
  return sooner::run_program("dump_samples", [&] { return sooner::run(argc, argv); });
}
