// An exit policy of one's own: nobody leaves early with one answer, say "defective", that must not be given lightly.
//
// Runs noise through a model twice, under the library's policy `margin` and under this one, and counts who left early.
#include <sooner/sooner.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace {

constexpr double kThreshold = 0.05;  // of the margin: largest probability minus second largest
constexpr int64_t kSamples = 1000;

// Leaves where the margin is large enough, unless the answer would be `careful`: that one the last exit gives alone.
// Immutable, so threads may share one.
class CarefulPolicy final : public sooner::ExitPolicy {
 public:
  explicit CarefulPolicy(int32_t careful) : careful_(careful) {}

  [[nodiscard]] std::string_view name() const override { return "careful"; }

  sooner::ExitVerdict decide(const sooner::ExitObservation& seen, std::span<std::byte> /*state*/) const override {
    const double margin = sooner::margin_score(seen.logits);
    const bool leaves = margin >= kThreshold && sooner::argmax(seen.logits) != careful_;
    return {leaves ? sooner::Left::kByPolicy : sooner::Left::kStays, static_cast<float>(margin)};
  }

 private:
  int32_t careful_;
};

// [n, C, H, W], each number in [-2, 2); the same on every machine.
std::vector<float> noise(const sooner::Shape& shape) {
  std::mt19937 random(1);
  std::vector<float> values(static_cast<size_t>(kSamples * sooner::element_count(shape)));
  for (float& value : values) value = static_cast<float>(random() >> 8U) / static_cast<float>(1 << 22) - 2;
  return values;
}

void print(const sooner::ExitPolicy& policy, const sooner::Model& model, std::span<const sooner::Result> results,
           int32_t careful) {
  const auto early = [&](const sooner::Result& r) { return r.exit_index + 1 < std::ssize(model.graph().stages); };
  const auto lightly = [&](const sooner::Result& r) { return early(r) && r.label == careful; };
  std::printf("%-8s %td of %lld left early, %td of them as '%s'\n", std::string(policy.name()).c_str(),
              std::ranges::count_if(results, early), static_cast<long long>(results.size()),
              std::ranges::count_if(results, lightly),
              model.manifest().class_names[static_cast<size_t>(careful)].c_str());
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::fprintf(stderr, "usage: own_exit_policy MODEL.safetensors CLASS\n");
    return 2;
  }
  const auto model = sooner::Model::load(argv[1]);
  const std::vector<std::string>& names = model->manifest().class_names;
  const auto found = std::ranges::find(names, argv[2]);
  if (found == names.end()) {
    sooner::fail(sooner::Code::kInvalidArgument,
                 "[CLASS] got '{}', expected one of the model's {} class names; sooner describe lists them", argv[2],
                 names.size());
  }
  const auto careful = static_cast<int32_t>(found - names.begin());
  const std::vector<float> images = noise(model->graph().input_shape);

  const size_t early_exits = model->stages() - 1;
  const sooner::PolicySpec spec{.name = "margin", .thresholds = std::vector<double>(early_exits, kThreshold)};
  const std::shared_ptr<const sooner::ExitPolicy> margin =
      sooner::make_policy(spec, sooner::policy_context(model->manifest()));
  for (const auto& policy : {margin, std::shared_ptr<const sooner::ExitPolicy>(new CarefulPolicy(careful))}) {
    sooner::Session session(model, policy);
    print(*policy, *model, session.run(images, kSamples), careful);
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "own_exit_policy: %s\n", error.what());
  return 1;
}
