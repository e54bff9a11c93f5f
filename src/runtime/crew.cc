#include "runtime/crew.h"

#include "core/error.h"

namespace sooner {

Crew::Crew(int32_t members) {
  SOONER_ASSERT(members >= 1);
  for (int32_t member = 1; member < members; ++member) threads_.emplace_back([this, member] { work(member); });
}

Crew::~Crew() {
  ends_ = true;
  round_.fetch_add(1);
  round_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Crew::run_all(Call call, const void* job) {
  call_ = call;
  job_ = job;
  failed_ = false;
  busy_ = members() - 1;
  round_.fetch_add(1);
  round_.notify_all();
  do_part(0);
  for (int32_t busy = busy_; busy > 0; busy = busy_) busy_.wait(busy);
  if (failed_) std::rethrow_exception(failure_);
}

void Crew::do_part(int32_t member) {
  try {
    call_(job_, member);
  } catch (...) {
    if (!failed_.exchange(true)) failure_ = std::current_exception();
  }
}

void Crew::work(int32_t member) {
  uint64_t seen = 0;
  while (true) {
    round_.wait(seen);
    seen = round_;
    if (ends_) return;
    do_part(member);
    if (busy_.fetch_sub(1) == 1) busy_.notify_one();
  }
}

}  // namespace sooner
