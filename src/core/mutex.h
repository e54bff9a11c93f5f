// A mutex that the compiler knows, its lock and a condition to wait for: std's, with clang's annotations, which
// libstdc++'s have not. All locks of the project are these; members they guard say SOONER_GUARDED_BY.
//
// A condition has no wait with a predicate: the compiler checks a lambda by itself, without the lock. Write
// `while (!ready) condition.wait(lock);`.
#pragma once

#include <condition_variable>
#include <mutex>

#include "core/thread_annotations.h"

namespace sooner {

class SOONER_CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

 private:
  friend class MutexLock;
  std::mutex mutex_;
};

// Holds a mutex for as long as it lives, but between unlock() and lock(). One thread's.
class SOONER_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) SOONER_ACQUIRE(mutex) : lock_(mutex.mutex_) {}
  ~MutexLock() SOONER_RELEASE() = default;
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  // REQUIRES: not held.
  void lock() SOONER_ACQUIRE() { lock_.lock(); }
  // REQUIRES: held.
  void unlock() SOONER_RELEASE() { lock_.unlock(); }

 private:
  friend class Condition;
  std::unique_lock<std::mutex> lock_;
};

class Condition {
 public:
  // Lets go of the mutex until somebody notifies (or for no reason), then holds it again. REQUIRES: `lock` holds it.
  void wait(MutexLock& lock) { condition_.wait(lock.lock_); }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace sooner
