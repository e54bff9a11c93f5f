// An exit policy of one's own, as much a policy as the library's: nobody leaves early with one answer, say "defective",
// that must not be given lightly.
//
// Registers it, chooses its thresholds on noise that the model's last exit has labelled, stores it in a model file,
// reads that back and answers with it; counts who leaves early under it and under the library's `margin`.
#include <sooner/sooner.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace {

constexpr int64_t kSamples = 1000;

// Leaves where the largest probability is far enough ahead of the second, unless the answer would be `careful`: that
// one the last exit gives alone. Immutable, so threads may share one.
class CarefulPolicy final : public sooner::ThresholdPolicy {
 public:
  explicit CarefulPolicy(const sooner::PolicySpec& spec)
      : ThresholdPolicy(spec), careful_(static_cast<int32_t>(spec.settings.whole("class"))) {}

 protected:
  [[nodiscard]] Opinion judge(const sooner::ExitObservation& seen, std::span<std::byte> /*state*/) const override {
    return {sooner::argmax(seen.logits) == careful_ ? sooner::kNoScore : sooner::margin_score(seen.logits)};
  }

 private:
  int32_t careful_;
};

void register_careful() {
  sooner::PolicyKind row;
  row.name = "careful";
  row.unit.name = "margin";
  row.lowest_threshold = 0;
  row.highest_threshold = 1;
  row.settings = {{.name = "class", .standard = int64_t{0}, .low = 0}};
  row.make = [](const sooner::PolicySpec& spec, const sooner::PolicyContext& /*context*/) {
    return std::make_unique<CarefulPolicy>(spec);
  };
  sooner::register_policy(row);
}

// [n, C, H, W], each number in [-2, 2); the same on every machine.
std::vector<float> noise(const sooner::Shape& shape) {
  std::mt19937 random(1);
  std::vector<float> values(static_cast<size_t>(kSamples * sooner::element_count(shape)));
  for (float& value : values) value = static_cast<float>(random() >> 8U) / static_cast<float>(1 << 22) - 2;
  return values;
}

// Every exit's answers, and the last one's as the truth.
sooner::LogitTable table_of(const std::shared_ptr<const sooner::Model>& model, std::span<const float> images) {
  const auto exits = static_cast<size_t>(model->stages()), classes = static_cast<size_t>(model->graph().classes);
  sooner::LogitTable table{.samples = kSamples,
                           .exits = static_cast<int32_t>(exits),
                           .classes = static_cast<int32_t>(classes),
                           .exit_cost = model->cost().exit_fraction};
  table.logits.resize(static_cast<size_t>(kSamples) * exits * classes);
  table.gates.resize(static_cast<size_t>(kSamples) * (exits - 1));
  sooner::Session(model).run_all_exits(images, kSamples, table.logits, table.gates);
  for (int64_t n = 0; n < kSamples; ++n) table.labels.push_back(sooner::argmax(table.at(n, table.exits - 1)));
  return table;
}

void print(const char* name, const sooner::Model& model, std::span<const sooner::Result> results, int32_t careful) {
  const auto early = [&](const sooner::Result& r) { return r.exit_index + 1 < std::ssize(model.graph().stages); };
  const auto lightly = [&](const sooner::Result& r) { return early(r) && r.label == careful; };
  std::printf("%-8s %td of %lld left early, %td of them as '%s'\n", name, std::ranges::count_if(results, early),
              static_cast<long long>(results.size()), std::ranges::count_if(results, lightly),
              model.manifest().class_names[static_cast<size_t>(careful)].c_str());
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) {
    std::fprintf(stderr, "usage: own_exit_policy MODEL.safetensors CLASS OUTPUT.safetensors\n");
    return 2;
  }
  register_careful();
  sooner::ModelFile file = sooner::load_model(argv[1]);
  const std::vector<std::string>& names = file.manifest.class_names;
  const auto found = std::ranges::find(names, argv[2]);
  if (found == names.end()) {
    sooner::fail(sooner::Code::kInvalidArgument,
                 "[CLASS] got '{}', expected one of the model's {} class names; sooner describe lists them", argv[2],
                 names.size());
  }
  const auto careful = static_cast<int32_t>(found - names.begin());
  const auto model = sooner::Model::from_file(file);
  const std::vector<float> images = noise(model->graph().input_shape);
  const sooner::LogitTable table = table_of(model, images);

  const sooner::PolicySpec asked{.name = "careful", .settings = {{"class", careful}}};
  const auto rule = sooner::parse_calibration_rule("budget 0.8");
  file.manifest.calibrations = {sooner::calibrate(table, asked, rule)};
  file.manifest.policy = file.manifest.calibrations[0].policy;
  sooner::save_model(file, argv[3]);

  const auto again = sooner::Model::load(argv[3]);
  sooner::Session session(again);  // with the policy that the file holds: careful
  print("careful", *again, session.run(images, kSamples), careful);
  const sooner::CalibrationRecord margin = sooner::calibrate(table, {.name = "margin"}, rule);
  const std::shared_ptr<const sooner::ExitPolicy> other =
      sooner::make_policy(margin.policy, sooner::policy_context(file.manifest));
  sooner::Session beside(again, other);
  print("margin", *again, beside.run(images, kSamples), careful);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "own_exit_policy: %s\n", error.what());
  return 1;
}
