// Something of every public header, so that a library missing from an installation is missed.
#include <sooner/sooner.h>

#include <cstdio>
#include <optional>
#include <stdexcept>
#include <vector>

namespace {

class Counter final : public sooner::AnswerSink {
 public:
  void take(uint64_t /*id*/, const sooner::Result& answer, std::span<const float> /*logits*/) override {
    macs += answer.macs;
  }
  int64_t macs = 0;
};

void expect(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

// A network by name, scales for int8 measured on it, thresholds chosen on its logits, answers from a group.
void everything() {
  sooner::ModelFile file;
  file.manifest.graph = sooner::build_network({"b-lenet", "names:conv1", "gap-fc", "none"}, {1, 28, 28}, 3);
  const sooner::Graph& graph = file.manifest.graph;
  file.manifest.preprocessing = {.image_shape = graph.input_shape, .mean = {0}, .std = {1}, .channel_order = "L"};
  file.manifest.class_names = {"a", "b", "c"};
  float next = 0;
  for (const sooner::ParameterSpec& spec : sooner::parameters(graph)) {
    sooner::Tensor tensor(sooner::DType::kF32, spec.shape);
    for (float& value : tensor.floats()) value = (next = next > 0.08F ? -0.1F : next + 0.0173F);
    file.tensors.emplace(spec.name, tensor);
  }
  const std::vector<std::byte> bytes = sooner::serialize_model(file);
  expect(sooner::model_hash(sooner::parse_model(bytes, "memory")) == sooner::model_hash(file), "model file");

  std::vector<uint8_t> pixels(4 * 28 * 28);
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i * i % 251);
  const std::vector<float> images = sooner::preprocess(file.manifest.preprocessing, pixels);
  const auto backend = sooner::make_backend("ref");
  expect(!sooner::measure_scales(graph, file.tensors, *backend, images, sooner::RangeMethod::kMinMax).empty(),
         "scales");

  const auto model = sooner::Model::from_file(file);
  sooner::LogitTable table{.samples = 4, .exits = 2, .classes = 3};
  table.logits.resize(4 * 2 * 3);
  table.gates.resize(4);
  table.labels = {0, 1, 2, 0};
  table.exit_cost = model->cost().exit_fraction;
  sooner::Session(model).run_all_exits(images, 4, table.logits, table.gates);
  const sooner::CalibrationRecord record =
      sooner::calibrate(table, {.name = "max-prob"}, sooner::parse_calibration_rule("budget 1"));
  expect(record.exit_shares.size() == 2, "calibration");
  expect(sooner::calibration_errors(table).size() == 2, "calibration error");

  const std::shared_ptr<const sooner::ExitPolicy> policy =
      sooner::make_policy(record.policy, sooner::policy_context(file.manifest));
  sooner::SessionGroup group(model, policy, 2);
  expect(group.run(images, 4).size() == 4, "session group");

  const sooner::Batch samples{.n = 4, .images = images, .labels = table.labels, .targets = {}, .indices = {0, 1, 2, 3}};
  expect(sooner::evaluate(model, record.policy, samples).samples == 4, "evaluation");
  const sooner::Profile timed = sooner::profile(*model, *sooner::make_backend("auto"), images, 4);
  sooner::ProfileFile profiles = sooner::profiles_of(*model);
  sooner::keep_profile(timed, profiles);
  expect(sooner::profiles_from_json(sooner::profiles_to_json(profiles), "memory").profiles.size() == 1, "profile");
  const sooner::TrainConfig config = sooner::parse_config("name = \"try\"", "memory");
  expect(sooner::config_hash(sooner::parse_config(sooner::to_toml(config), "memory")) == sooner::config_hash(config),
         "configuration");
  expect(sooner::epoch_from_json("{}") == std::nullopt, "run");
  Counter counter;
  sooner::Session session(model, policy, {.clock = &sooner::steady_clock(), .tells_times = true});
  expect(session.run_pixels(pixels, 4, {.sink = &counter})[0].elapsed_seconds >= 0, "pictures as bytes");
  expect(counter.macs > 0, "answers as they leave");

  sooner::LatencyHistogram times;
  times.add(1);
  expect(times.count() == 1, "latency");
  expect(sooner::has_image_name("cat.PNG"), "picture");
  std::vector<uint8_t> small(1);
  sooner::fit_picture({{1, 28, 28}, {pixels.begin(), pixels.begin() + 784}}, {1, 1, 1}, small);
}

}  // namespace

int main() try {
  everything();
  try {
    sooner::Model::load("no such file");
  } catch (const sooner::Error& error) {
    expect(error.code() == sooner::Code::kNotFound, "error code");
    std::puts("every room answered");
    return 0;
  }
  return 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "every_room: %s\n", error.what());
  return 1;
}
