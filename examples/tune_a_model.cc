// Chooses thresholds for a trained model on its own data and stores them: from the model to a table of every exit's
// logits, from the table to a calibration record, and into the file.
#include <sooner/sooner.h>

#include <cstdio>
#include <exception>

int main(int argc, char** argv) try {
  if (argc != 4) {
    std::fprintf(stderr, "usage: tune_a_model MODEL.safetensors RULE TUNED.safetensors\n");
    return 2;
  }
  sooner::ModelFile file = sooner::load_model(argv[1]);
  const auto model = sooner::Model::from_file(file);
  const sooner::ModelData data = sooner::open_model_data(file.manifest);
  const sooner::StoredTable tune = sooner::record_table(model, data, data.splits.tune);
  const sooner::CalibrationRule rule = sooner::parse_calibration_rule(argv[2]);  // "accuracy-drop 0.003"
  const sooner::CalibrationRecord record = sooner::calibrate(tune, {.name = "max-prob"}, rule);
  file.manifest.policy = record.policy;  // what the model answers with unless asked otherwise
  sooner::add_record(file.manifest.calibrations, record);
  sooner::save_model(file, argv[3]);
  std::printf("%s: accuracy %.2f %% at %.3f of the plain network's MACs, by %zu samples of %s\n",
              to_string(record.rule).c_str(), 100 * record.quality, record.cost_fraction,
              static_cast<size_t>(record.samples), data.data.name.c_str());
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "tune_a_model: %s\n", error.what());
  return 1;
}
