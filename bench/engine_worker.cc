// This engine as one contender of a comparison: a process that computes when it is told to, and only then.
//
//   engine_worker MODEL FOLDER [--plain] [--precision P] [--batch N] [--threads N] [--samples N] [--policy …]
//
// FOLDER is dump_samples'. Commands are lines on stdin, answers are lines of JSON on stdout:
//
//   (start)        {"contender": …, "precision": …, "exit_fraction": […], …}
//   answers PATH   PATH gets the logits of all samples as raw floats [n, classes], PATH.exits the exits taken as int32
//   run K          K passes over the first samples in whole batches; {"call_us": [[…] × K], "cpu_us": [… × K], "right":
//   n}
//
// The end of stdin ends it. With several threads every call's samples are shared out, one session a thread; a call of
// one sample uses one thread.
#include <atomic>
#include <chrono>
#include <cstring>
#include <ctime>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/cpu.h"
#include "core/file.h"
#include "runtime/session.h"
#include "tools/command.h"
#include "tools/engine_flags.h"
#include "tools/policy_flags.h"

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

// Some sessions of one model, each on a thread of its own; the first on the caller's.
class Team {
 public:
  Team(const std::shared_ptr<const Model>& model, const std::shared_ptr<const ExitPolicy>& policy, int32_t threads)
      : image_(static_cast<size_t>(element_count(model->graph().input_shape))), parts_(static_cast<size_t>(threads)) {
    for (Part& part : parts_) part.session = std::make_unique<Session>(model, policy);
    for (size_t i = 1; i < parts_.size(); ++i) helpers_.emplace_back([this, i] { help(i); });
  }
  ~Team() {
    ended_ = true;
    publish();
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  // Answers n samples [n, C, H, W]; blocks.
  void run(const float* images, int64_t n) {
    const auto count = static_cast<int64_t>(parts_.size());
    int64_t first = 0;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t end = n * (i + 1) / count;
      // The rounding gives a single sample to the last part; the caller's thread should have it.
      Part& part = parts_[static_cast<size_t>(count - 1 - i)];
      part.images = {images + static_cast<size_t>(first) * image_, static_cast<size_t>(end - first) * image_};
      part.n = end - first;
      part.first = first;
      first = end;
    }
    int32_t helping = 0;
    for (size_t i = 1; i < parts_.size(); ++i) helping += parts_[i].n > 0 ? 1 : 0;
    if (helping > 0) {
      waiting_.store(static_cast<int32_t>(helpers_.size()));
      publish();
    }
    compute(parts_[0]);
    if (helping == 0) return;
    for (int32_t left = waiting_.load(); left > 0; left = waiting_.load()) waiting_.wait(left);
  }

  // The results and logits of the latest run, part after part; visit(first sample, results, logits).
  template <typename Visit>
  void visit(const Visit& visit) const {
    for (const Part& part : parts_) {
      if (part.n > 0) visit(part.first, part.results, part.session->logits());
    }
  }

 private:
  struct Part {
    std::unique_ptr<Session> session;
    std::span<const float> images;
    std::span<const Result> results;
    int64_t n = 0;
    int64_t first = 0;
  };

  static void compute(Part& part) {
    if (part.n > 0) part.results = part.session->run(part.images, part.n);
  }
  void publish() {
    generation_.fetch_add(1);
    generation_.notify_all();
  }
  void help(size_t index) {
    for (uint32_t seen = 0;;) {
      generation_.wait(seen);
      seen = generation_.load();
      if (ended_) return;
      compute(parts_[index]);
      waiting_.fetch_sub(1);
      waiting_.notify_one();
    }
  }

  size_t image_;
  std::vector<Part> parts_;
  std::atomic<uint32_t> generation_{0};
  std::atomic<int32_t> waiting_{0};
  std::atomic<bool> ended_{false};
  std::vector<std::jthread> helpers_;  // last: they end before what they use
};

class Worker {
 public:
  explicit Worker(const WorkerArguments& arguments)
      : batch_(arguments.engine.batch),
        images_(read_raw<float>(arguments.folder / "images.f32")),
        labels_(read_raw<int32_t>(arguments.folder / "labels.i32")) {
    ModelFile file = load_model(arguments.model);
    PolicySpec policy = policy_spec(file.manifest, arguments.policy);
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
    team_ = std::make_unique<Team>(model_, make_policy(policy, policy_context(model_->graph())), arguments.threads);
    const bool exits = model_->graph().exits() > 1 && policy.name != "never";
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
  nlohmann::ordered_json write_answers(const std::string& path) {
    const auto n = static_cast<int64_t>(labels_.size());
    const auto classes = static_cast<size_t>(model_->graph().classes);
    std::vector<float> logits(labels_.size() * classes);
    std::vector<int32_t> exits(labels_.size());
    for (int64_t at = 0; at < n; at += batch_) {
      team_->run(images_.data() + static_cast<size_t>(at) * image_, std::min<int64_t>(batch_, n - at));
      team_->visit([&](int64_t first, std::span<const Result> results, std::span<const float> part) {
        const auto begin = static_cast<size_t>(at + first);
        std::copy(part.begin(), part.end(), logits.begin() + static_cast<ptrdiff_t>(begin * classes));
        for (size_t i = 0; i < results.size(); ++i) exits[begin + i] = results[i].exit_index;
      });
    }
    write_file_atomically(path, [&](FileSink& sink) { sink.write(std::as_bytes(std::span(logits))); });
    write_file_atomically(path + ".exits", [&](FileSink& sink) { sink.write(std::as_bytes(std::span(exits))); });
    return {{"samples", n}};
  }

  nlohmann::ordered_json time_passes(int passes) {
    using Clock = std::chrono::steady_clock;
    nlohmann::ordered_json answer{{"call_us", nlohmann::ordered_json::array()}};
    int64_t right = 0;
    for (int pass = 0; pass < passes; ++pass) {
      std::vector<double> calls;
      calls.reserve(static_cast<size_t>(samples_ / batch_));
      right = 0;
      double cpu = 0;
      for (int64_t at = 0; at < samples_; at += batch_) {
        const double cpu_begin = process_seconds();
        const auto begin = Clock::now();
        team_->run(images_.data() + static_cast<size_t>(at) * image_, batch_);
        calls.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
        cpu += process_seconds() - cpu_begin;
        team_->visit([&](int64_t first, std::span<const Result> results, std::span<const float>) {
          for (size_t i = 0; i < results.size(); ++i) {
            right += results[i].label == labels_[static_cast<size_t>(at + first) + i] ? 1 : 0;
          }
        });
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
  std::unique_ptr<Team> team_;
  nlohmann::ordered_json hello_;
};

int run(int argc, char** argv) {
  CLI::App app("this engine, computing on command", "engine_worker");
  WorkerArguments arguments;
  app.add_option("model", arguments.model, "a .safetensors model")->required();
  app.add_option("folder", arguments.folder, "what dump_samples wrote")->required();
  app.add_flag("--plain", arguments.plain, "the backbone without its exits");
  app.add_option("--threads", arguments.threads, "sessions side by side")->check(CLI::Range(1, 256));
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
  try {
    return sooner::run(argc, argv);
  } catch (const sooner::Error& error) {
    sooner::say(fmt::format("engine_worker: {}", error.what()));
    return sooner::exit_code(error);
  } catch (const std::exception& error) {
    sooner::say(fmt::format("engine_worker: {}", error.what()));
    return 1;
  }
}
