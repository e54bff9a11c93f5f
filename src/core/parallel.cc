#include "core/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace sooner {

void for_each_block(int64_t n, int64_t block, const std::function<void(int64_t begin, int64_t end)>& body) {
  const int64_t blocks = (n + block - 1) / block;
  std::atomic<int64_t> next{0};
  std::exception_ptr first_error;
  std::mutex error_mutex;
  const auto work = [&] {
    try {
      for (int64_t b = next++; b < blocks; b = next++) body(b * block, std::min(n, (b + 1) * block));
    } catch (...) {
      next = blocks;  // the others stop after the block they are at
      const std::lock_guard lock(error_mutex);
      if (!first_error) first_error = std::current_exception();
    }
  };
  const auto cores = static_cast<int64_t>(std::max(1U, std::thread::hardware_concurrency()));
  {
    std::vector<std::jthread> helpers;
    for (int64_t helper = 1; helper < std::min(cores, blocks); ++helper) helpers.emplace_back(work);
    work();
  }
  if (first_error) std::rethrow_exception(first_error);
}

}  // namespace sooner
