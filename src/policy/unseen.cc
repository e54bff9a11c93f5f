#include "policy/unseen.h"

#include "core/error.h"
#include "core/text.h"

namespace sooner {

std::string_view to_string(Unseen unseen) {
  switch (unseen) {
    case Unseen::kRecorded:
      return "recorded";
    case Unseen::kElsewhere:
      return "elsewhere";
    case Unseen::kUserWord:
      return "user-word";
  }
  return "unknown";
}

Unseen unseen_from_string(std::string_view text) {
  for (const Unseen unseen : {Unseen::kRecorded, Unseen::kElsewhere, Unseen::kUserWord}) {
    if (text == to_string(unseen)) return unseen;
  }
  fail(Code::kInvalidArgument, "[promise] got '{}'; {}", text,
       suggest(std::string(text), {"recorded", "elsewhere", "user-word"}));
}

}  // namespace sooner
