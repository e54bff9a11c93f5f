#include "core/mutex.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <thread>
#include <vector>

namespace sooner {
namespace {

struct Counter {
  Mutex mutex;
  Condition changed;
  int64_t value SOONER_GUARDED_BY(mutex) = 0;
};

TEST(Mutex, LetsOneThreadInAtATime) {
  Counter counter;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&counter] {
        for (int i = 0; i < 1000; ++i) {
          const MutexLock lock(counter.mutex);
          ++counter.value;
        }
      });
    }
  }
  const MutexLock lock(counter.mutex);
  EXPECT_EQ(counter.value, 4 * 1000);
}

TEST(MutexLock, LetsGoBetweenUnlockAndLock) {
  Counter counter;
  MutexLock lock(counter.mutex);
  counter.value = 1;
  lock.unlock();
  // Would wait for ever if the mutex were held.
  std::jthread([&counter] {
    const MutexLock inner(counter.mutex);
    counter.value = 2;
  }).join();
  lock.lock();
  EXPECT_EQ(counter.value, 2);
}

TEST(Condition, WaitsUntilAnotherThreadHasChangedWhatIsGuarded) {
  Counter counter;
  std::jthread other([&counter] {
    const MutexLock lock(counter.mutex);
    counter.value = 7;
    counter.changed.notify_one();
  });
  MutexLock lock(counter.mutex);
  while (counter.value == 0) counter.changed.wait(lock);
  EXPECT_EQ(counter.value, 7);
}

}  // namespace
}  // namespace sooner
