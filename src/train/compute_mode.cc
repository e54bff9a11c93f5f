#include "train/compute_mode.h"

#include "core/cpu.h"
#include "core/error.h"
#include "graph/cost.h"

namespace sooner {
namespace {

// Below this, converting between types costs more than it saves. Images per second of processor time, one thread, Zen 5
// with bf16 instructions, LibTorch 2.13, November 2026: plain ResNet-20 (41 M MACs) 317 in fp32, 444 channels-last, 760
// in bf16 channels-last; plain B-LeNet (1.1 M) is a fifth faster channels-last and slower in bf16.
constexpr int64_t kLargeNetworkMacs = 5'000'000;

bool is_large(const Graph& graph) { return compute_cost(graph).backbone_macs >= kLargeNetworkMacs; }

at::Device choose_device(const std::string& asked) {
  const bool there = at::getNumGPUs() > 0;
  if (asked == "auto") return there ? at::kCUDA : at::kCPU;
  if (asked == "cpu") return at::kCPU;
  if (there) return at::kCUDA;
#ifdef SOONER_TORCH_CUDA
  fail(Code::kFailedPrecondition,
       "[device] cuda was asked for, but no CUDA device can be seen; check the driver (nvidia-smi) and "
       "CUDA_VISIBLE_DEVICES, or use --device cpu");
#else
  fail(Code::kFailedPrecondition,
       "[device] cuda was asked for, but this program was built with the CPU build of LibTorch; build with "
       "-DSOONER_LIBTORCH naming a CUDA build of the same version, or use --device cpu");
#endif
}

bool choose_bf16(const std::string& asked, const at::Device& device, const Graph& graph) {
  if (asked == "fp32") return false;
  const bool fast = device.is_cuda() || cpu_features().has_fast_bf16();
  if (asked == "bf16" && !fast) {
    fail(Code::kFailedPrecondition,
         "[precision] bf16 was asked for, but this processor ({}) has no bf16 instructions and would be many times "
         "slower "
         "than with fp32; use precision fp32 or auto",
         to_string(cpu_features()));
  }
  return asked == "bf16" || (fast && is_large(graph));
}

}  // namespace

ComputeMode choose_compute_mode(const RecipeConfig& recipe, const Graph& graph) {
  ComputeMode mode;
  mode.device = choose_device(recipe.device);
  mode.bf16 = choose_bf16(recipe.precision, mode.device, graph);
  mode.channels_last = recipe.channels_last != "off";  // faster for every network measured
  mode.threads = recipe.threads > 0 ? recipe.threads : cpu_count();
  return mode;
}

void apply_compute_mode(const ComputeMode& mode) {
  at::set_num_threads(mode.threads);
  // Momentum of units that died decays into denormals, which are slow; they are nothing.
  at::globalContext().setFlushDenormal(true);
  at::globalContext().setBenchmarkCuDNN(false);
  at::globalContext().setDeterministicCuDNN(true);
}

std::string to_string(const ComputeMode& mode) {
  return fmt::format("{}, {} {}, {}{}", mode.cuda() ? "cuda" : "cpu", mode.threads,
                     mode.threads == 1 ? "thread" : "threads", mode.bf16 ? "bf16" : "fp32",
                     mode.channels_last ? ", channels-last" : "");
}

std::string device_name(const ComputeMode& mode) {
  return mode.cuda()
             ? fmt::format("CUDA device {} of {}", static_cast<int>(std::max<at::DeviceIndex>(0, mode.device.index())),
                           at::getNumGPUs())
             : fmt::format("{} ({})", cpu_name(), to_string(cpu_features()));
}

AutocastRegion::AutocastRegion(const ComputeMode& mode) : enabled_(mode.bf16), device_(mode.device.type()) {
  if (!enabled_) return;
  at::autocast::set_autocast_dtype(device_, at::kBFloat16);
  at::autocast::set_autocast_enabled(device_, true);
}

AutocastRegion::~AutocastRegion() {
  if (!enabled_) return;
  at::autocast::set_autocast_enabled(device_, false);
  // Weights are converted once a region; the next one must see them changed.
  at::autocast::clear_cache();
}

}  // namespace sooner
