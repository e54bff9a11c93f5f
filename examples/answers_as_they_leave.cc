// Pictures of two askers in one call, as bytes: one takes the model's own exits, the other wants the last exit's
// answer. Each answer is printed as its sample leaves, not when the call is over.
#include <sooner/sooner.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <random>
#include <vector>

namespace {

constexpr int64_t kSamples = 8;

class Printer final : public sooner::AnswerSink {
 public:
  void take(uint64_t id, const sooner::Result& answer, std::span<const float> /*logits*/) override {
    std::printf("%llu: class %d, %lld MACs\n", static_cast<unsigned long long>(id), answer.label,
                static_cast<long long>(answer.macs));
  }
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fprintf(stderr, "usage: answers_as_they_leave MODEL.safetensors\n");
    return 2;
  }
  const auto model = sooner::Model::load(argv[1]);
  const sooner::PolicyContext context = sooner::policy_context(model->manifest());
  const auto own = sooner::make_policy(model->manifest().policy, context);
  const auto never = sooner::make_policy({.name = "never"}, context);
  std::vector<uint8_t> pixels(kSamples * static_cast<size_t>(sooner::element_count(model->graph().input_shape)));
  std::mt19937 random(1);
  for (uint8_t& pixel : pixels) pixel = static_cast<uint8_t>(random() >> 24U);
  std::vector<uint64_t> ids;
  std::vector<const sooner::ExitPolicy*> policies;
  for (uint64_t i = 0; i < kSamples; ++i) {
    ids.push_back(100 * (1 + i % 2) + i);
    policies.push_back(i % 2 == 0 ? own.get() : never.get());
  }
  sooner::Session session(model);
  Printer printer;
  session.run_pixels(pixels, kSamples, {.ids = ids, .policies = policies, .sink = &printer});
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "answers_as_they_leave: %s\n", error.what());
  return 1;
}
