#include "cli/engine_flags.h"

namespace sooner {

void add_engine_options(CLI::App& app, EngineFlags* flags) {
  app.add_option("--backend", flags->backend, "auto | onednn | ref")->capture_default_str();
  app.add_option("--precision", flags->precision, "fp32 | bf16 (where the processor has it) | int8 (a quantised model)")
      ->capture_default_str();
  app.add_option("--batch", flags->batch, "samples computed at once")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
}

void exclude_engine_and_data(CLI::App& app, CLI::Option& option) {
  for (const char* name : {"--backend", "--precision", "--batch", "--data", "--data-dir", "--other-data"}) {
    option.excludes(app.get_option(name));
  }
}

ModelOptions model_options(const EngineFlags& flags) {
  ModelOptions options;
  options.backend = flags.backend;
  options.precision = precision_from_string(flags.precision);
  options.batch_max = flags.batch;
  return options;
}

}  // namespace sooner
