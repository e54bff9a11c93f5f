// Two threads, a session each, one model: the model is shared and immutable, a session belongs to one thread.
//
// Each answers one half of the pictures; one session then answers them all, and every answer is the same to the bit.
// (SessionGroup does this by itself, and hands out the work.)
#include <sooner/sooner.h>

#include <bit>
#include <cstdio>
#include <exception>
#include <random>
#include <thread>
#include <vector>

namespace {

constexpr int64_t kSamples = 1000;

// Answers n samples; what goes wrong is kept for the caller, as a thread must not end by an exception.
void answer(const std::shared_ptr<const sooner::Model>& model, std::span<const float> images, int64_t n,
            std::vector<sooner::Result>& results, std::exception_ptr& failure) try {
  sooner::Session session(model);
  const std::span<const sooner::Result> answers = session.run(images, n);
  results.assign(answers.begin(), answers.end());  // the session's own go with it
} catch (...) {
  failure = std::current_exception();
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fprintf(stderr, "usage: two_sessions MODEL.safetensors\n");
    return 2;
  }
  const std::shared_ptr<const sooner::Model> model = sooner::Model::load(argv[1]);
  const auto per_sample = static_cast<size_t>(sooner::element_count(model->graph().input_shape));
  std::vector<float> images(kSamples * per_sample);
  std::mt19937 random(1);
  for (float& value : images) value = static_cast<float>(random() >> 8U) / static_cast<float>(1 << 22) - 2;

  const std::span<const float> all = images;
  const int64_t half = kSamples / 2;
  std::vector<sooner::Result> first, second, alone;
  std::exception_ptr failures[3];
  {
    const std::jthread one([&] { answer(model, all.first(half * per_sample), half, first, failures[0]); });
    const std::jthread two([&] { answer(model, all.subspan(half * per_sample), half, second, failures[1]); });
  }
  answer(model, all, kSamples, alone, failures[2]);
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }

  int64_t same = 0;
  first.insert(first.end(), second.begin(), second.end());
  for (size_t i = 0; i < alone.size(); ++i) {
    const sooner::Result &a = first[i], &b = alone[i];
    same += a.label == b.label && a.exit_index == b.exit_index &&
            std::bit_cast<uint32_t>(a.score) == std::bit_cast<uint32_t>(b.score);
  }
  std::printf("2 sessions of 1 model: %lld of %lld answers are those of one session alone\n",
              static_cast<long long>(same), static_cast<long long>(kSamples));
  return same == kSamples ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "two_sessions: %s\n", error.what());
  return 1;
}
