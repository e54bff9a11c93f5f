#include "data/batch_loader.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <thread>
#include <utility>

#include "core/clock.h"
#include "core/error.h"
#include "core/mutex.h"
#include "core/pixel_table.h"
#include "core/rng.h"

namespace sooner {
namespace {

constexpr uint64_t kOrderStream = 0x0bde5;

void check_loader_options(const ImageSource& source, const Shape& shape, const std::vector<int64_t>& indices,
                          const LoaderOptions& options) {
  if (shape.size() != 3 || element_count(shape) == 0) {
    fail(Code::kInvalidArgument, "[loader] got image shape {}, expected channels x height x width", to_string(shape));
  }
  const auto at_least_one = [](std::string_view name, int32_t value, int32_t limit) {
    if (value >= 1 && value <= limit) return;
    fail(Code::kInvalidArgument, "[loader] got {} = {}, expected 1 to {}", name, value, limit);
  };
  at_least_one("batch_size", options.batch_size, 1 << 20);
  at_least_one("threads", options.threads, 1024);
  at_least_one("prefetch", options.prefetch, 1 << 16);
  const auto channels = static_cast<size_t>(shape[0]);
  const auto positive = [](double value) { return std::isfinite(value) && value > 0; };
  const auto finite = [](double value) { return std::isfinite(value); };
  if (options.mean.size() != channels || options.std.size() != channels ||
      !std::all_of(options.std.begin(), options.std.end(), positive) ||
      !std::all_of(options.mean.begin(), options.mean.end(), finite)) {
    fail(Code::kInvalidArgument, "[loader] got mean [{}] and std [{}], expected {} finite values each, std above 0",
         fmt::join(options.mean, ", "), fmt::join(options.std, ", "), channels);
  }
  check_augment_options(options.augment, shape);
  for (const int64_t index : indices) {
    if (index >= 0 && index < source.size()) continue;
    fail(Code::kInvalidArgument, "[loader] got sample {}, expected 0 to {}; the split belongs to another data set",
         index, source.size() - 1);
  }
  if (options.drop_last && !indices.empty() && std::ssize(indices) < options.batch_size) {
    fail(Code::kInvalidArgument,
         "[loader] got {} samples for batches of {} without an incomplete last one, which leaves "
         "none; lower batch_size",
         indices.size(), options.batch_size);
  }
}

}  // namespace

// Batches live in a ring of prefetch + 1 places: the one the caller holds, and those made ahead. A worker takes the
// next batch number not taken yet once its place is free, fills it without the lock, and marks it ready.
struct BatchLoader::Impl {
  struct Place {
    Batch batch;
    bool ready = false;
    std::exception_ptr error;
  };

  const std::shared_ptr<const ImageSource> source;
  const Shape shape;
  const std::vector<int64_t> indices;
  const LoaderOptions options;
  const int64_t batches;
  const PixelTable table;

  Mutex mutex;
  Condition work_there, batch_there, worker_idle;
  // Of a place's batch, the worker that fills it is the owner, then the caller.
  std::vector<Place> ring SOONER_GUARDED_BY(mutex);
  // `indices` in this epoch's order; written only while no worker is busy, so that those who are may go on reading it.
  std::vector<int64_t> order SOONER_GUARDED_BY(mutex);
  int64_t epoch SOONER_GUARDED_BY(mutex) = -1;
  int64_t next_to_take SOONER_GUARDED_BY(mutex) = 0;  // batch numbers
  int64_t next_to_give SOONER_GUARDED_BY(mutex) = 0;
  int64_t first_held SOONER_GUARDED_BY(mutex) = 0;  // the oldest batch whose place is in use
  int64_t first_of_epoch SOONER_GUARDED_BY(mutex) = 0;
  int32_t busy SOONER_GUARDED_BY(mutex) = 0;  // workers filling a place
  bool stop SOONER_GUARDED_BY(mutex) = false;
  double waited SOONER_GUARDED_BY(mutex) = 0;
  std::atomic<bool> abandon = false;  // what is being filled will not be used

  std::vector<std::thread> workers;  // last: they use everything above

  Impl(std::shared_ptr<const ImageSource> from, Shape image_shape, std::vector<int64_t> chosen, LoaderOptions how)
      : source(std::move(from)),
        shape(std::move(image_shape)),
        indices(std::move(chosen)),
        options(std::move(how)),
        batches((std::ssize(indices) + (options.drop_last ? 0 : options.batch_size - 1)) / options.batch_size),
        table(options.mean, options.std),
        ring(static_cast<size_t>(options.prefetch) + 1) {}

  [[nodiscard]] Place& place(int64_t batch) SOONER_REQUIRES(mutex) {
    return ring[static_cast<size_t>(batch) % ring.size()];
  }

  // A batch to make: the samples from first on of an epoch's order.
  struct Task {
    std::span<const int64_t> order;
    int64_t epoch = 0;
    size_t first = 0;
  };

  void fill(const Task& task, Batch& batch, std::vector<uint8_t>& pixels, std::vector<uint8_t>& work) {
    const auto n = std::min<size_t>(task.order.size() - task.first, static_cast<size_t>(options.batch_size));
    batch.n = static_cast<int64_t>(n);
    batch.images.resize(n * pixels.size());
    batch.labels.resize(n);
    batch.targets.resize(n);
    batch.indices.resize(n);
    for (size_t i = 0; i < n && !abandon.load(std::memory_order_relaxed); ++i) {
      const int64_t index = task.order[task.first + i];
      source->read(index, pixels);
      const AugmentDraw draw{options.seed, task.epoch, index};
      const std::span<float> image = std::span(batch.images).subspan(i * pixels.size(), pixels.size());
      if (options.augment.any()) augment_image(pixels, work, shape, options.augment, draw);
      table.convert(pixels, image);
      if (options.augment.cutout > 0) cut_out(image, shape, options.augment.cutout, draw);
      batch.labels[i] = source->label(index);
      batch.targets[i] = source->target(index);
      batch.indices[i] = index;
    }
  }

  [[nodiscard]] bool has_work() const SOONER_REQUIRES(mutex) {
    return next_to_take < batches && next_to_take < first_held + std::ssize(ring) && epoch >= 0;
  }

  void run_worker() SOONER_EXCLUDES(mutex) {
    std::vector<uint8_t> pixels(static_cast<size_t>(element_count(shape)));
    std::vector<uint8_t> work(pixels.size());
    MutexLock lock(mutex);
    while (true) {
      while (!stop && !has_work()) work_there.wait(lock);
      if (stop) return;
      const int64_t number = next_to_take++;
      const Task task{order, epoch, static_cast<size_t>(number * options.batch_size)};
      Place& target = place(number);
      ++busy;
      lock.unlock();
      std::exception_ptr error;
      try {
        fill(task, target.batch, pixels, work);
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      --busy;
      target.error = error;
      target.ready = true;
      if (busy == 0) worker_idle.notify_all();
      batch_there.notify_all();
    }
  }

  // Waits until no worker fills anything; nothing new is taken meanwhile.
  void quiesce(MutexLock& lock) SOONER_REQUIRES(mutex) {
    next_to_take = batches;
    abandon = true;
    while (busy > 0) worker_idle.wait(lock);
    abandon = false;
  }
};

BatchLoader::BatchLoader(std::shared_ptr<const ImageSource> source, Shape image_shape, std::vector<int64_t> indices,
                         const LoaderOptions& options) {
  if (!source) fail(Code::kInvalidArgument, "[loader] got no image source, expected one");
  check_loader_options(*source, image_shape, indices, options);
  impl_ = std::make_unique<Impl>(std::move(source), std::move(image_shape), std::move(indices), options);
  try {
    for (int32_t i = 0; i < options.threads; ++i) impl_->workers.emplace_back([this] { impl_->run_worker(); });
  } catch (const std::exception& error) {
    stop_workers();
    fail(Code::kResourceExhausted, "[loader] starting {} threads failed: {}; lower the number of loader threads",
         options.threads, error.what());
  }
}

BatchLoader::~BatchLoader() { stop_workers(); }

void BatchLoader::stop_workers() {
  {
    const MutexLock lock(impl_->mutex);
    impl_->stop = true;
    impl_->abandon = true;
  }
  impl_->work_there.notify_all();
  for (std::thread& worker : impl_->workers) worker.join();
}

int64_t BatchLoader::batches_per_epoch() const { return impl_->batches; }

void BatchLoader::start_epoch(int64_t epoch, int64_t first_batch) {
  if (epoch < 0 || first_batch < 0 || first_batch > impl_->batches) {
    fail(Code::kInvalidArgument, "[loader] got epoch {} from batch {}, expected 0 or more, from 0 to {}", epoch,
         first_batch, impl_->batches);
  }
  MutexLock lock(impl_->mutex);
  impl_->quiesce(lock);
  impl_->order = impl_->indices;
  if (impl_->options.shuffle) {
    Rng rng{impl_->options.seed, kOrderStream, static_cast<uint64_t>(epoch)};
    shuffle(std::span(impl_->order), rng);
  }
  for (Impl::Place& place : impl_->ring) {
    place.ready = false;
    place.error = nullptr;
  }
  impl_->epoch = epoch;
  impl_->first_of_epoch = first_batch;
  impl_->next_to_take = impl_->next_to_give = impl_->first_held = first_batch;
  impl_->work_there.notify_all();
}

const Batch* BatchLoader::next() {
  MutexLock lock(impl_->mutex);
  if (impl_->epoch < 0) fail(Code::kFailedPrecondition, "[loader] next() came before start_epoch()");
  const int64_t number = impl_->next_to_give;
  if (impl_->first_held < number) {  // the batch given last is let go
    impl_->place(impl_->first_held).ready = false;
    impl_->first_held = number;
    impl_->work_there.notify_all();
  }
  if (number == impl_->batches) return nullptr;
  Impl::Place& place = impl_->place(number);
  if (!place.ready) {
    const Stopwatch watch;
    while (!place.ready) impl_->batch_there.wait(lock);
    if (number > impl_->first_of_epoch) impl_->waited += watch.seconds();
  }
  if (place.error) std::rethrow_exception(place.error);
  ++impl_->next_to_give;
  return &place.batch;
}

double BatchLoader::seconds_waited() const {
  const MutexLock lock(impl_->mutex);
  return impl_->waited;
}

}  // namespace sooner
