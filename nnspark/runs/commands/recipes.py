"""List the recipes that come with nnspark, or print one: ``nnspark recipes [NAME]``."""

from nnspark.recipe.bundled import bundled, find
from nnspark.runs.arguments import Parser


def main(arguments: list[str]) -> None:
    """Print the names, each with the first line of its comment, or the text of one."""
    parser = Parser(description="The recipes that come with nnspark, by name.")
    parser.add_argument("name", nargs="?", help="print this one, to start your own from")
    args = parser.parse_args(arguments)
    if args.name:
        print(find(args.name).read_text(encoding="utf-8"), end="")
        return
    recipes = bundled()
    width = max(map(len, recipes), default=0)
    for name, path in recipes.items():
        about = path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
        print(f"{name:<{width}}  {about}")
