// `sooner profile`: where the time goes, step by step; and a file for planners.
#include <filesystem>

#include "cli/data_flags.h"
#include "cli/engine_flags.h"
#include "cli/output.h"
#include "cli/table.h"
#include "command.h"
#include "core/cpu.h"
#include "core/text.h"
#include "measure/model_data.h"
#include "profile/profile_file.h"

namespace sooner {
namespace {

struct ProfileArguments {
  std::string model;
  std::string output;
  int32_t batch = 1;
  std::string split = "validation";
  EngineFlags engine;
  DataChoice data;
  OutputForm form = OutputForm::kText;
};

// What the file holds already of this model stays, unless it is measured again.
void write(const Profile& profile, const Model& model, const std::string& path) {
  ProfileFile file = profiles_of(model);
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    ProfileFile there = read_profiles(path);
    if (there.model_hash != file.model_hash) {
      fail(Code::kFailedPrecondition,
           "[profile] '{}' holds profiles of the model {}, this one is {}; name another file", path, there.model_hash,
           file.model_hash);
    }
    file = std::move(there);
  }
  keep_profile(profile, file);
  write_profiles(file, path);
  say(fmt::format("profile: {}", path));
}

void run(ProfileArguments arguments) {
  expect_output(arguments.output, "-o", {arguments.model});
  const ModelFile file = load_model(arguments.model);
  arguments.engine.batch = arguments.batch;
  const ModelOptions options = model_options(arguments.engine);
  const auto backend = make_backend(options.backend);
  const auto model = Model::compile(file, *backend, options);
  const ModelData data = open_model_data(file.manifest, arguments.data);
  const Split& split = data.splits.by_name(arguments.split);
  const Batch samples = load_all(file.manifest, data, split, arguments.batch);
  if (samples.n < arguments.batch) {
    fail(Code::kInvalidArgument, "[profile] {} holds {} samples, expected the {} of a batch; lower --batch", split.name,
         samples.n, arguments.batch);
  }
  const Profile result = profile(*model, *backend, samples.images, arguments.batch);
  if (!arguments.output.empty()) write(result, *model, arguments.output);
  if (arguments.form == OutputForm::kJson) {
    ProfileFile alone = profiles_of(*model);
    keep_profile(result, alone);
    fmt::print("{}\n", profiles_to_json(alone));
    return;
  }
  Table table({"stage", "part", "step", "op", "us", "% of all", "MACs", "bytes", "% of peak"});
  double all = 0;
  for (const StageProfile& stage : result.stages) all += stage.trunk_us + stage.head_us;
  for (size_t k = 0; k < result.stages.size(); ++k) {
    for (const StepProfile& step : result.stages[k].steps) {
      table.add({count(static_cast<int64_t>(k)), cell(step.head ? "head" : "trunk"), cell(step.name), cell(step.op),
                 number(step.us, 2), percent(step.us / all, 1), count(step.macs), number(step.bytes, 0),
                 percent(step.share, 0)});
    }
  }
  if (arguments.form == OutputForm::kText) {
    fmt::print("{}: {} {}, batch {}, one thread, per sample; {} ({})\n", arguments.model, model->backend_name(),
               to_string(model->precision()), arguments.batch, cpu_name(), to_string(cpu_features()));
    fmt::print("peak of this backend and precision, measured: {:.1f} GMAC/s\n\n", result.peak_macs_per_us / 1000);
  }
  table.print(arguments.form);
  if (arguments.form != OutputForm::kText) return;
  fmt::print("\n");
  for (size_t k = 0; k < result.stages.size(); ++k) {
    const StageProfile& stage = result.stages[k];
    fmt::print("stage {}: trunk {:.2f} us, head {:.2f} us, {} cross the cut\n", k, stage.trunk_us, stage.head_us,
               human_bytes(static_cast<double>(stage.carry_bytes)));
  }
}

}  // namespace

void add_profile(CLI::App& app) {
  const auto arguments = std::make_shared<ProfileArguments>();
  app.add_option("model", arguments->model, "a .safetensors model")->required();
  app.add_option("-o,--output", arguments->output,
                 "also write the profile as JSON (docs/profile.md), beside those that the file holds of this model");
  app.add_option("--batch", arguments->batch, "samples computed at once")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--backend", arguments->engine.backend, "auto | onednn | ref")->capture_default_str();
  app.add_option("--precision", arguments->engine.precision,
                 "fp32 | bf16 (where the processor has it) | int8 (a quantised model)")
      ->capture_default_str();
  app.add_option("--split", arguments->split, "whose samples: train | validation | tune | guarantee | test")
      ->capture_default_str();
  add_data_options(app, &arguments->data);
  add_output_options(app, &arguments->form);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace sooner
