// A fixed set of threads that do one job together, over and over: the caller is one of them. Waking and waiting take no
// lock and allocate nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>
#include <vector>

namespace sooner {

class Crew {
 public:
  // REQUIRES: members >= 1; one is the caller of `run`, the others are started here.
  explicit Crew(int32_t members);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  [[nodiscard]] int32_t members() const { return static_cast<int32_t>(threads_.size()) + 1; }
  // Calls job(member) once for every member 0 to members() - 1, at the same time, and returns when all are done. The
  // caller is member 0. The first exception thrown is thrown again here. Not reentrant.
  template <typename Job>
  void run(const Job& job) {
    run_all([](const void* own, int32_t member) { (*static_cast<const Job*>(own))(member); }, &job);
  }

 private:
  using Call = void (*)(const void*, int32_t);
  void run_all(Call call, const void* job);
  void do_part(int32_t member);
  void work(int32_t member);

  Call call_ = nullptr;
  const void* job_ = nullptr;
  std::atomic<uint64_t> round_ = 0;
  std::atomic<int32_t> busy_ = 0;
  std::atomic<bool> ends_ = false;
  std::atomic<bool> failed_ = false;
  std::exception_ptr failure_;  // of whoever set failed_
  std::vector<std::thread> threads_;
};

}  // namespace sooner
