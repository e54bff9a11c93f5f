// What a lock guards, said so that a compiler can check it: clang's -Wthread-safety (scripts/run_clang_tidy.py turns it
// on); nothing to other compilers. Means nothing at run time.
#pragma once

#if defined(__clang__)
#define SOONER_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define SOONER_THREAD_ATTRIBUTE(x)
#endif

// Of a member: read and written only while the mutex is held.
#define SOONER_GUARDED_BY(mutex) SOONER_THREAD_ATTRIBUTE(guarded_by(mutex))
// Of a function: its caller holds the mutex.
#define SOONER_REQUIRES(...) SOONER_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
// Of a function: its caller does not hold the mutex, which it will take.
#define SOONER_EXCLUDES(...) SOONER_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))

// For core/mutex.h alone: what a mutex is, and what takes it and lets it go.
#define SOONER_CAPABILITY(name) SOONER_THREAD_ATTRIBUTE(capability(name))
#define SOONER_SCOPED_CAPABILITY SOONER_THREAD_ATTRIBUTE(scoped_lockable)
#define SOONER_ACQUIRE(...) SOONER_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define SOONER_RELEASE(...) SOONER_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
