// How long a fresh process takes to its first answer, and how much memory, beyond loading shared libraries.
//
//   cold_start MODEL [--precision P] [--backend B] [--repeats N]
//
// Starts itself again and again, once for each way of compiling; every child loads the model, answers one noisy image
// and says what it took. The file and the libraries are in the page cache after the first time.
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "bench/program.h"
#include "core/clock.h"
#include "core/cpu.h"
#include "core/error.h"
#include "core/rng.h"
#include "runtime/session.h"

namespace sooner {
namespace {

struct Arguments {
  std::string model;
  ModelOptions options{.batch_max = 1};
  std::string precision = "fp32";
  int repeats = 20;
  bool child = false, when_reached = false;
};

// A line of /proc/self/status, in kB.
int64_t status_kb(const std::string& name) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name + ":")) return std::stoll(line.substr(name.size() + 1));
  }
  return 0;
}

// One line of numbers: us to load, to make a session, to answer; kB at the peak, of files at the end.
int answer_once(const Arguments& arguments) {
  Stopwatch watch;
  const auto model = Model::load(arguments.model, arguments.options);
  const double loaded = watch.lap();
  PolicySpec never;
  Session session(model, make_policy(never, {.exits = static_cast<int32_t>(model->stages()),
                                             .classes = static_cast<int32_t>(model->graph().classes)}));
  const double made = watch.lap();
  std::vector<float> image(static_cast<size_t>(element_count(model->graph().input_shape)));
  Rng rng(1);
  for (float& pixel : image) pixel = static_cast<float>(rng.normal());
  static_cast<void>(session.run(image, 1));
  const double answered = watch.lap();
  fmt::print("{} {} {} {} {}\n", loaded * 1e6, made * 1e6, answered * 1e6, status_kb("VmHWM"), status_kb("RssFile"));
  return 0;
}

struct Sample {
  double load_us = 0, session_us = 0, answer_us = 0;
  double peak_kb = 0, file_kb = 0;
};

Sample run_child(const Arguments& arguments, bool when_reached) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  const std::string command =
      fmt::format("'{}' '{}' --child --precision {} --backend {}{}", self, arguments.model, arguments.precision,
                  arguments.options.backend, when_reached ? " --when-reached" : "");
  std::FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) fail(Code::kUnavailable, "[cold_start] cannot start '{}'", command);
  char line[512] = {};
  const bool has_line = std::fgets(line, sizeof(line), pipe) != nullptr;
  if (pclose(pipe) != 0 || !has_line) fail(Code::kFailedPrecondition, "[cold_start] '{}' failed", command);
  std::istringstream in(line);
  Sample s;
  in >> s.load_us >> s.session_us >> s.answer_us >> s.peak_kb >> s.file_kb;
  return s;
}

double median(const std::vector<Sample>& samples, double Sample::*field) {
  std::vector<double> values;
  for (const Sample& sample : samples) values.push_back(sample.*field);
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void compare(const Arguments& arguments) {
  const ModelFile file = load_model(arguments.model);
  const GraphCost cost = compute_cost(file.manifest.graph);
  const double weights_kb = static_cast<double>(cost.parameters) * 4 / 1024;
  const double activations_kb = static_cast<double>(cost.peak_activation_bytes) / 1024;
  const double file_kb = static_cast<double>(std::filesystem::file_size(arguments.model)) / 1024;
  fmt::print("{} ({}), {}, batch 1; fp32 weights {:.0f} kB, activations {:.0f} kB; medians of {} processes\n",
             cpu_name(), to_string(cpu_features()), arguments.precision, weights_kb, activations_kb, arguments.repeats);
  fmt::print("{:14}{:>10}{:>12}{:>12}{:>10}{:>24}\n", "stages", "load ms", "session ms", "answer ms", "all ms",
             "memory of our own, kB");
  for (const bool when_reached : {false, true}) {
    std::vector<Sample> samples;
    static_cast<void>(run_child(arguments, when_reached));
    for (int i = 0; i < arguments.repeats; ++i) samples.push_back(run_child(arguments, when_reached));
    const double load = median(samples, &Sample::load_us), session = median(samples, &Sample::session_us),
                 answer = median(samples, &Sample::answer_us);
    // What lies in files is shared libraries, and the model, which counts as ours.
    const double own_kb = median(samples, &Sample::peak_kb) - median(samples, &Sample::file_kb) + file_kb;
    fmt::print("{:14}{:>10.2f}{:>12.2f}{:>12.2f}{:>10.2f}{:>24.0f}\n", when_reached ? "when reached" : "ahead",
               load / 1e3, session / 1e3, answer / 1e3, (load + session + answer) / 1e3, own_kb);
  }
}

}  // namespace
}  // namespace sooner

int main(int argc, char** argv) {
  CLI::App app("time and memory to a first answer", "cold_start");
  sooner::Arguments arguments;
  app.add_option("model", arguments.model, "a .safetensors model")->required();
  app.add_option("--precision", arguments.precision, "fp32 | bf16 | int8")->capture_default_str();
  app.add_option("--backend", arguments.options.backend, "auto | onednn | ref")->capture_default_str();
  app.add_option("--repeats", arguments.repeats, "processes")->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_flag("--child", arguments.child, "answer once and say what it took");
  app.add_flag("--when-reached", arguments.when_reached, "compile a stage when a sample reaches it");
  CLI11_PARSE(app, argc, argv);
  return sooner::run_program("cold_start", [&] {
    arguments.options.precision = sooner::precision_from_string(arguments.precision);
    arguments.options.compile_ahead = !arguments.when_reached;
    if (arguments.child) return sooner::answer_once(arguments);
    sooner::compare(arguments);
    return 0;
  });
}
