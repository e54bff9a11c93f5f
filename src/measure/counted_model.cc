#include "measure/counted_model.h"

#include <utility>

namespace sooner {

CountedModel::CountedModel(const ModelFile& file, const ModelOptions& options)
    : CountedModel(file, make_backend(options.backend), options) {}

CountedModel::CountedModel(const ModelFile& file, std::unique_ptr<const Backend> backend, const ModelOptions& options)
    : model_(Model::compile(file, CountingBackend(std::move(backend), ledger_), options)) {}

}  // namespace sooner
