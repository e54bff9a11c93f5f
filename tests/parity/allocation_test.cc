// A running session allocates nothing of its own. This program's operator new counts calls while it is armed, and tells
// apart who asked: oneDNN makes small allocations inside every execution, which are its own affair.
#include <dlfcn.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

#include "core/rng.h"
#include "runtime/session.h"
#include "support/policy_choices.h"
#include "support/random_weights.h"
#include "zoo/zoo.h"

namespace {

std::atomic<bool> g_armed = false;
std::atomic<int64_t> g_ours = 0;
std::atomic<int64_t> g_library = 0;

void count(const void* caller) {
  if (!g_armed) return;
  Dl_info info{};
  const bool known = dladdr(caller, &info) != 0 && info.dli_fname != nullptr;
  const bool library =
      known && (std::strstr(info.dli_fname, "libdnnl") != nullptr || std::strstr(info.dli_fname, "libgomp") != nullptr);
  ++(library ? g_library : g_ours);
}

void* allocate(size_t bytes, size_t alignment) {
  // aligned_alloc wants whole multiples.
  void* memory = std::aligned_alloc(alignment, (bytes + alignment) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(size_t bytes) {
  count(__builtin_return_address(0));
  return allocate(bytes, alignof(std::max_align_t));
}
void* operator new[](size_t bytes) {
  count(__builtin_return_address(0));
  return allocate(bytes, alignof(std::max_align_t));
}
void* operator new(size_t bytes, std::align_val_t alignment) {
  count(__builtin_return_address(0));
  return allocate(bytes, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }

namespace sooner {
namespace {

// Counts from here to the end of its life.
class Armed {
 public:
  Armed() {
    g_ours = g_library = 0;
    g_armed = true;
  }
  ~Armed() { g_armed = false; }
};

TEST(Allocations, OfOursAreSeen) {
  std::vector<float>* kept = nullptr;
  {
    const Armed armed;
    kept = new std::vector<float>(3);
  }
  delete kept;
  EXPECT_EQ(g_ours, 2);
  EXPECT_EQ(g_library, 0);
}

TEST(Allocations, NoPolicyMakesOne) {
  constexpr size_t kSamples = 20, kExits = 4, kClasses = 5;
  const PolicyContext context{.exits = kExits, .classes = kClasses, .has_gates = true};
  Rng rng(1);
  std::vector<float> logits(kSamples * kExits * kClasses), gates(kSamples * (kExits - 1));
  for (float& logit : logits) logit = static_cast<float>(2 * rng.normal());
  for (float& gate : gates) gate = static_cast<float>(rng.uniform(0, 1));
  for (const PolicySpec& spec : test::every_policy(context, logits, gates)) {
    const auto policy = make_policy(spec, context);
    std::vector<std::byte> state(policy->state_bytes());
    {
      const Armed armed;
      for (size_t k = 0; k < kExits; ++k) {
        const auto exit = static_cast<int32_t>(k);
        static_cast<void>(policy->decide({exit, std::span(logits).subspan(k * kClasses, kClasses), gates[0]}, state));
      }
    }
    EXPECT_EQ(g_ours, 0) << spec.name;
  }
}

TEST(Allocations, ARunningSessionMakesNone) {
  for (const std::string& backend : backend_names()) {
    if (backend == "auto") continue;
    for (const Precision precision : {Precision::kF32, Precision::kBF16}) {
      if (!make_backend(backend)->supports(precision)) continue;
      for (const char* backbone : {"b-lenet", "resnet8:w4"}) {
        ModelFile file;
        file.manifest.graph = build_network({backbone, "fractions:.3,.6", "conv-gap-fc:6", "both"}, {2, 11, 11}, 5);
        file.tensors = test::random_weights(file.manifest.graph, 1);
        file.manifest.policy = {.name = "gate", .thresholds = Threshold::scores({0.5, 0.5}), .temperatures = {}};
        Session session(Model::from_file(file, {backend, precision, 8}));
        const std::vector<float> images = test::random_images(file.manifest.graph, 21, 1);
        const size_t per_sample = images.size() / 21;
        std::vector<float> logits(21 * 3 * 5), gates(21 * 2);
        static_cast<void>(session.run(images, 21));
        session.run_all_exits(images, 21, logits, gates);
        {
          const Armed armed;
          for (const int64_t n : {21, 1, 8, 13}) {
            static_cast<void>(session.run(std::span(images).first(static_cast<size_t>(n) * per_sample), n));
          }
          session.run_all_exits(images, 21, logits, gates);
        }
        EXPECT_EQ(g_ours, 0) << backend << ' ' << to_string(precision) << ' ' << backbone;
        RecordProperty(fmt::format("library_allocations_{}_{}_{}", backend, to_string(precision), backbone),
                       std::to_string(g_library));
        fmt::print("{} {} {}: {} allocations of ours, {} of the library's for 64 samples\n", backend,
                   to_string(precision), backbone, g_ours.load(), g_library.load());
      }
    }
  }
}

}  // namespace
}  // namespace sooner
