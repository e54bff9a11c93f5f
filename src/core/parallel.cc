#include "core/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <vector>

#include "core/mutex.h"

namespace sooner {
namespace {

// Of what several threads threw, the first.
class FirstError {
 public:
  void keep(const std::exception_ptr& error) SOONER_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (!error_) error_ = error;
  }
  void rethrow() SOONER_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (error_) std::rethrow_exception(error_);
  }

 private:
  Mutex mutex_;
  std::exception_ptr error_ SOONER_GUARDED_BY(mutex_);
};

}  // namespace

void for_each_block(int64_t n, int64_t block, const std::function<void(int64_t begin, int64_t end)>& body) {
  const int64_t blocks = (n + block - 1) / block;
  std::atomic<int64_t> next{0};
  FirstError first_error;
  const auto work = [&] {
    try {
      for (int64_t b = next++; b < blocks; b = next++) body(b * block, std::min(n, (b + 1) * block));
    } catch (...) {
      next = blocks;  // the others stop after the block they are at
      first_error.keep(std::current_exception());
    }
  };
  const auto cores = static_cast<int64_t>(std::max(1U, std::thread::hardware_concurrency()));
  {
    std::vector<std::jthread> helpers;
    for (int64_t helper = 1; helper < std::min(cores, blocks); ++helper) helpers.emplace_back(work);
    work();
  }
  first_error.rethrow();
}

}  // namespace sooner
