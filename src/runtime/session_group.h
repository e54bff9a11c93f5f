// Answers with several threads, in either layout; thread_layout.h measures which is faster. Answers are those of a
// single session, bit for bit.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/session.h"

namespace sooner {

class Crew;

enum class ThreadLayout : uint8_t {
  kSessions,  // a session each; the samples are handed out in blocks
  kStages,    // one session; its threads share the rows of every stage
};
// "sessions" or "stages".
std::string_view to_string(ThreadLayout layout);

class SessionGroup {
 public:
  // threads >= 1; options.threads is not looked at. Throws what Session throws.
  SessionGroup(const std::shared_ptr<const Model>& model, const std::shared_ptr<const ExitPolicy>& policy,
               int32_t threads, const SessionOptions& options = {}, ThreadLayout layout = ThreadLayout::kSessions);
  ~SessionGroup();
  SessionGroup(SessionGroup&&) noexcept;
  SessionGroup& operator=(SessionGroup&&) noexcept;

  // As Session::run.
  std::span<const Result> run(std::span<const float> input, int64_t n);
  [[nodiscard]] std::span<const float> logits() const { return logits_; }

 private:
  std::shared_ptr<const Model> model_;
  std::vector<std::unique_ptr<Session>> sessions_;  // by member of the crew; one when stages are shared
  std::unique_ptr<Crew> crew_;                      // null with one session
  std::vector<Result> results_;
  std::vector<float> logits_own_;  // [n, classes]
  std::span<const float> logits_;
};

}  // namespace sooner
