// `sooner check`: do the reference backend, the fast one and the trainer give the same logits on real samples?
#include "check/check.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cli/data_flags.h"
#include "cli/engine_flags.h"
#include "cli/output.h"
#include "cli/policy_flags.h"
#include "cli/table.h"
#include "command.h"
#include "format/preprocess.h"
#include "measure/evaluate.h"
#include "measure/model_data.h"

namespace sooner {
namespace {

struct CheckArguments {
  std::string model;
  std::string split = "validation";
  int64_t samples = 64;
  EngineFlags engine;
  DataChoice data;
  OutputForm form = OutputForm::kText;
};

// What was before the sigmoid, and how far off that may be: a gate near 1 has few digits left to tell by. The trainer's
// sigmoid is exact to a unit or two in the last place.
void add_gate(float gate, AllLogits& answers) {
  const double unit = static_cast<double>(std::nextafter(gate, 2.0F)) - static_cast<double>(gate);
  const double least = std::numeric_limits<float>::min();
  const double g = std::clamp<double>(gate, least, 1 - 0x1p-25);
  const double logit = std::log(g) - std::log1p(-g);
  const bool saturated = g != static_cast<double>(gate);
  answers.gate_logits.push_back(static_cast<float>(logit));
  answers.gate_slack.push_back(saturated ? std::numeric_limits<double>::infinity()
                                         : 2 * unit / (g * (1 - g)) + std::abs(logit) * 0x1p-24);
}

// What the trainer wrote down: images as floats the way the model wants them, and its answers.
struct Recorded {
  std::vector<float> images;  // [n, C, H, W]
  AllLogits answers;
};

Recorded recorded_answers(const ModelFile& file) {
  const Manifest& manifest = file.manifest;
  const auto pixels = file.tensors.at("sooner.check.images").raw();
  Recorded recorded;
  recorded.images =
      preprocess(manifest.preprocessing, {reinterpret_cast<const uint8_t*>(pixels.data()), pixels.size()});
  const std::span<const float> logits = file.tensors.at("sooner.check.logits").floats();
  recorded.answers.logits.assign(logits.begin(), logits.end());
  if (manifest.graph.exits() > 1) {
    for (const float gate : file.tensors.at("sooner.check.gates").floats()) add_gate(gate, recorded.answers);
  }
  return recorded;
}

void run(const CheckArguments& arguments) {
  const ModelFile file = load_model(arguments.model);
  const Manifest& manifest = file.manifest;
  const ModelOptions options = model_options(arguments.engine);
  const auto reference = make_backend("ref");
  const auto backend = make_backend(options.backend);
  CompileOptions exact{Precision::kF32, options.batch_max};
  CompileOptions compile{options.precision, options.batch_max};
  if (options.precision == Precision::kInt8) compile.quantisation = current_quantisation(file);
  if (!backend->supports(options.precision)) {
    fail(Code::kFailedPrecondition, "[check] {} has no {} on this processor; use --precision fp32", backend->name(),
         to_string(options.precision));
  }
  Table table({"compared", "samples", "numbers", "outside", "worst share of bound", "labels changed", "verdict"});
  int64_t outside = 0;
  const auto add = [&](const std::string& what, int64_t samples, const Agreement& agreement) {
    outside += agreement.outside;
    table.add({cell(what), count(samples), count(agreement.compared), count(agreement.outside),
               number(agreement.worst.share, 4),
               cell(manifest.quantity ? "-" : fmt::format("{} of {}", agreement.flips, agreement.answers)),
               cell(agreement.holds() ? "agree" : to_string(agreement))});
  };
  if (manifest.check_samples > 0) {
    const Recorded recorded = recorded_answers(file);
    const AllLogits ref = run_every_exit(manifest.graph, file.tensors, *reference, exact, recorded.images);
    add("trainer, ref", manifest.check_samples,
        compare_logits(manifest.graph, file.tensors, recorded.images, Precision::kF32, recorded.answers, ref));
    const AllLogits fast = run_every_exit(manifest.graph, file.tensors, *backend, compile, recorded.images);
    add(fmt::format("trainer, {} {}", backend->name(), to_string(options.precision)), manifest.check_samples,
        compare_logits(manifest.graph, file.tensors, recorded.images, options.precision, recorded.answers, fast,
                       compile.quantisation));
  }
  const ModelData data = open_model_data(manifest, arguments.data);
  const Batch samples = load_all(manifest, data, data.splits.by_name(arguments.split), arguments.samples);
  add(fmt::format("ref, {} {} ({})", backend->name(), to_string(options.precision), backend->instruction_set()),
      samples.n, check_backend(manifest.graph, file.tensors, *backend, compile, samples.images));
  table.print(arguments.form);
  if (outside > 0) {
    fail(Code::kInternal, "[check] {} numbers differ by more than arithmetic allows; the table says where", outside);
  }
}

}  // namespace

void add_check(CLI::App& app) {
  const auto arguments = std::make_shared<CheckArguments>();
  app.add_option("model", arguments->model, "a .safetensors model")->required();
  app.add_option("--split", arguments->split, "whose samples: train | validation | tune | guarantee | test")
      ->capture_default_str();
  app.add_option("--samples", arguments->samples, "how many")->check(CLI::Range(1, 100000))->capture_default_str();
  add_engine_options(app, &arguments->engine);
  add_data_options(app, &arguments->data);
  add_output_options(app, &arguments->form);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace sooner
