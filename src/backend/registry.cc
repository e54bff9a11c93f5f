#include "backend/backend.h"
#include "backend/ref/ref_backend.h"
#include "core/error.h"
#include "core/text.h"
#ifdef SOONER_HAS_ONEDNN
#include "backend/onednn/onednn_backend.h"
#endif

namespace sooner {

std::vector<std::string> backend_names() {
#ifdef SOONER_HAS_ONEDNN
  return {"auto", "onednn", "ref"};
#else
  return {"auto", "ref"};
#endif
}

std::unique_ptr<const Backend> make_backend(std::string_view name) {
  if (name == "ref") return std::make_unique<RefBackend>();
#ifdef SOONER_HAS_ONEDNN
  if (name == "onednn" || name == "auto") return std::make_unique<OnednnBackend>();
#else
  if (name == "auto") return std::make_unique<RefBackend>();
  if (name == "onednn") {
    fail(Code::kFailedPrecondition,
         "[backend] 'onednn' was left out of this build; configure with -DSOONER_ONEDNN=ON or use --backend ref");
  }
#endif
  fail(Code::kInvalidArgument, "[backend] '{}' is unknown; {}", name, suggest(name, backend_names()));
}

}  // namespace sooner
