// This engine as one contender of a comparison: a process that computes when it is told to, and only then.
//
//   engine_worker MODEL FOLDER [--plain] [--precision P] [--batch N] [--threads N] [--samples N] [--policy …]
//
// FOLDER is dump_samples'. Commands are lines on stdin, answers are lines of JSON on stdout:
//
//   (start)        {"contender": …, "precision": …, "exit_fraction": […], …}
//   answers PATH   PATH gets the logits of all samples as raw floats [n, classes], PATH.exits the exits taken as int32
//   run K          K passes over the first samples in whole batches: {"call_us": [[…]], "cpu_us": […], "right": n}
//                  with the times of the calls and the processor time of each pass, and the right answers of the last
//
// The end of stdin ends it. Several threads share the work of a call in the layout that is measured to be faster here.
#include <algorithm>
#include <cstring>
#include <ctime>
#include <iostream>
#include <nlohmann/json.hpp>

#include "bench/program.h"
#include "cli/engine_flags.h"
#include "cli/output.h"
#include "cli/policy_flags.h"
#include "core/clock.h"
#include "core/cpu.h"
#include "core/file.h"
#include "graph/keep_exits.h"
#include "runtime/machine_cache.h"
#include "runtime/micro_batches.h"
#include "runtime/session_group.h"
#include "runtime/thread_layout.h"

namespace sooner {
namespace {

struct WorkerArguments {
  std::string model;
  std::filesystem::path folder;
  bool plain = false;
  int32_t threads = 1;
  int64_t samples = 512;
  EngineFlags engine;
  PolicyFlags policy;
};

template <typename T>
std::vector<T> read_raw(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

double process_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

class Worker {
 public:
  explicit Worker(const WorkerArguments& arguments)
      : batch_(arguments.engine.batch),
        images_(read_raw<float>(arguments.folder / "images.f32")),
        labels_(read_raw<int32_t>(arguments.folder / "labels.i32")) {
    ModelFile file = load_model(arguments.model);
    PolicySpec policy = policy_spec(file.manifest, arguments.policy, precision_from_string(arguments.engine.precision));
    if (arguments.plain) {
      file.manifest.graph = plain_backbone(file.manifest.graph);
      policy = {};
    }
    model_ = Model::from_file(file, model_options(arguments.engine));
    image_ = static_cast<size_t>(element_count(model_->graph().input_shape));
    if (labels_.empty() || images_.size() != labels_.size() * image_) {
      fail(Code::kFailedPrecondition, "[worker] '{}' holds {} floats for {} labels, expected images of {}",
           arguments.folder.string(), images_.size(), labels_.size(), to_string(model_->graph().input_shape));
    }
    const int64_t wanted = std::min(arguments.samples, static_cast<int64_t>(labels_.size()));
    samples_ = std::max<int64_t>(batch_, wanted / batch_ * batch_);
    if (samples_ > static_cast<int64_t>(labels_.size())) {
      fail(Code::kInvalidArgument, "[worker] batch {} is more than the {} samples there are", batch_, labels_.size());
    }
    const std::filesystem::path cache = default_cache_folder();
    const ThreadLayout layout = thread_layout(model_, arguments.threads, batch_, cache);
    group_ = std::make_unique<SessionGroup>(model_, make_policy(policy, policy_context(model_->manifest())),
                                            arguments.threads,
                                            SessionOptions{.micro_batches = micro_batches(*model_, cache)}, layout);
    hello_["thread_layout"] = to_string(layout);
    const bool exits = model_->graph().exits() > 1 && policy.name != PolicySpec().name;
    hello_["contender"] = exits ? "sooner, exits" : "sooner";
    hello_["version"] = file.manifest.provenance.sooner_version;
    hello_["precision"] = to_string(model_->precision());
    hello_["backend"] = model_->backend_name();
    hello_["cpu"] = cpu_name();
    hello_["instruction_sets"] = to_string(cpu_features());
    hello_["policy"] = policy.name;
    hello_["exit_fraction"] = model_->cost().exit_fraction;
    hello_["samples"] = samples_;
  }

  [[nodiscard]] const nlohmann::ordered_json& hello() const { return hello_; }

  nlohmann::ordered_json answer(const std::string& command) {
    if (command.starts_with("answers ")) return write_answers(command.substr(8));
    if (command.starts_with("run ")) return time_passes(std::stoi(command.substr(4)));
    fail(Code::kInvalidArgument, "[worker] got the command '{}', expected 'answers PATH' or 'run K'", command);
  }

 private:
  std::span<const Result> run(int64_t first, int64_t n) {
    return group_->run(std::span(images_).subspan(static_cast<size_t>(first) * image_, static_cast<size_t>(n) * image_),
                       n);
  }

  nlohmann::ordered_json write_answers(const std::string& path) {
    const auto n = static_cast<int64_t>(labels_.size());
    const auto classes = static_cast<size_t>(model_->graph().classes);
    std::vector<float> logits(labels_.size() * classes);
    std::vector<int32_t> exits(labels_.size());
    for (int64_t at = 0; at < n; at += batch_) {
      const std::span<const Result> results = run(at, std::min<int64_t>(batch_, n - at));
      std::ranges::copy(group_->logits(), logits.begin() + static_cast<ptrdiff_t>(static_cast<size_t>(at) * classes));
      auto exit_index = exits.begin() + at;
      for (const Result& result : results) *exit_index++ = result.exit_index;
    }
    write_file_atomically(path, [&](FileSink& sink) { sink.write(std::as_bytes(std::span(logits))); });
    write_file_atomically(path + ".exits", [&](FileSink& sink) { sink.write(std::as_bytes(std::span(exits))); });
    return {{"samples", n}};
  }

  nlohmann::ordered_json time_passes(int passes) {
    nlohmann::ordered_json answer{{"call_us", nlohmann::ordered_json::array()}};
    int64_t right = 0;
    for (int pass = 0; pass < passes; ++pass) {
      std::vector<double> calls;
      calls.reserve(static_cast<size_t>(samples_ / batch_));
      right = 0;
      double cpu = 0;
      for (int64_t at = 0; at < samples_; at += batch_) {
        const double cpu_begin = process_seconds();
        const Stopwatch watch;
        const std::span<const Result> results = run(at, batch_);
        calls.push_back(watch.seconds() * 1e6);
        cpu += process_seconds() - cpu_begin;
        auto label = labels_.begin() + at;
        for (const Result& result : results) right += result.label == *label++ ? 1 : 0;
      }
      answer["call_us"].push_back(calls);
      answer["cpu_us"].push_back(cpu * 1e6);
    }
    answer["right"] = right;
    return answer;
  }

  int64_t batch_;
  std::vector<float> images_;    // [n, C, H, W]
  std::vector<int32_t> labels_;  // [n]
  std::shared_ptr<const Model> model_;
  size_t image_ = 0;     // floats of one sample
  int64_t samples_ = 0;  // of one pass
  std::unique_ptr<SessionGroup> group_;
  nlohmann::ordered_json hello_;
};

int run(int argc, char** argv) {
  CLI::App app("this engine, computing on command", "engine_worker");
  WorkerArguments arguments;
  app.add_option("model", arguments.model, "a .safetensors model")->required();
  app.add_option("folder", arguments.folder, "what dump_samples wrote")->required();
  app.add_flag("--plain", arguments.plain, "the backbone without its exits");
  app.add_option("--threads", arguments.threads, "that share the work, in the layout measured to be faster")
      ->check(CLI::Range(1, 256));
  app.add_option("--samples", arguments.samples, "of one timed pass")->check(CLI::Range(int64_t{1}, int64_t{1} << 30));
  add_engine_options(app, &arguments.engine);
  add_policy_options(app, &arguments.policy);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  Worker worker(arguments);
  std::cout << worker.hello().dump() << std::endl;  // a line must be out before the next command can come
  for (std::string command; std::getline(std::cin, command);) {
    std::cout << worker.answer(command).dump() << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace sooner

int main(int argc, char** argv) {
  return sooner::run_program("engine_worker", [&] { return sooner::run(argc, argv); });
}
