"""A head of one's own: a folder with one folder of pictures a class, a figure that can be trusted, and a file to keep.

python examples/a_head_from_a_folder.py FOLDER [HEAD.safetensors]
"""

import sys

import visionlab as vl


def main(folder: str, out: str = "mine.safetensors") -> None:
    data = vl.LabelledImages.from_folder(folder)
    net = vl.load_classifier()
    run = vl.training.fit(data, net, seed=0)
    for epoch in run:
        print(f"epoch {epoch.index}: {epoch.validation_accuracy:.1%} of the held-out pictures are right")
    report = run.report()
    low, high = report.interval
    print(f"always the most frequent class: {report.majority:.1%}")
    print(f"the head: {report.accuracy:.1%} of {len(run.held_out)} (95% interval {low:.1%} to {high:.1%})")
    run.head.save(out)
    mine = vl.load_head(out).as_classifier()
    picture = data.images[int(run.held_out[0])]
    for answer in vl.predict(mine, [picture], top=3)[0]:
        print(f"{answer.label}: {answer.probability:.1%}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("Name a folder with one folder of pictures a class: python examples/a_head_from_a_folder.py FOLDER")
    try:
        main(*sys.argv[1:])
    except vl.VisionlabError as error:
        sys.exit(str(error))
