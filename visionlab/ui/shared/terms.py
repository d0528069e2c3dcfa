"""The words that a student does not know, each in a sentence: term(name) is the help of the widget, metric, caption or
heading where the word stands, so that all of them are explained by the same mark at the same place.
"""

from __future__ import annotations

TERMS: dict[str, str] = {
    # --- what networks are made of
    "kernel": "A small grid of weights that is slid over a picture: at each place, pixels times weights are added up.",
    "stride": "How many pixels the window moves from one place to the next: with 2, the result is half as wide and "
    "high.",
    "padding": "What lies beyond the picture’s edge, so that windows fit there, too: with “same” the size is kept, "
    "with “valid” nothing is added, and it shrinks.",
    "dilation": "How many pixels the weights are apart: with 2, every other pixel is passed over, and a small kernel "
    "sees a larger part.",
    "border": "What the window sees beyond the picture’s edge, its padding: the picture mirrored, its last pixels, or "
    "zeros, say.",
    "flip": "On: convolution as mathematics defines it. Off: cross-correlation, which networks call convolution.",
    "channels": "A pixel is three numbers, red, green and blue: the kernel is slid over one of them, a mix, or each.",
    "rank": "How many products of a column and a row the weights are the sum of: 1 is quick, as two passes.",
    "range": "On: black is 0 and white 255, as in a picture. Off: white is what few responses exceed, so that weak "
    "ones are seen.",
    "response": "The kernel’s answer at one place: the pixels under the window times the weights, added up.",
    "bias": "A number that is added to every response: below zero, only strong responses stay above zero.",
    "flatten": "The numbers of all maps are written one after the other, row by row: what a classifier starts from.",
    "class weights": "For each class a weight a number: what they make of the numbers, added up, is the class’s score.",
    "pooling": "Each small square of a map becomes one number, mostly its largest: the map shrinks, and small shifts "
    "of the picture matter less.",
    "ReLU": "Keeps what is above zero and sets the rest to zero, so that layers one after the other can do more than "
    "one.",
    "channel": "One kernel’s answers to the whole picture, as a map: a layer has one map for each of its kernels.",
    "receptive field": "The square of the input that can change a unit’s value: the deeper the layer, the larger it "
    "is.",
    "batch normalisation": "Shifts and scales each channel by what it learned: while training, it brought values to "
    "mean 0 and spread 1.",
    "layer normalisation": "At each place all channels are brought to mean 0 and spread 1, and then shifted and scaled "
    "by what it learned for each.",
    "gate": "One number a channel, from the means of all channels over the whole picture: how much of it goes on (Hu "
    "et al. 2018).",
    "gradient": "How the unit’s value moves when a pixel becomes a little brighter: up or down, and how much.",
    "what it looks for": "Noise is changed, step by step, until it excites it as much as it can (Olah, Mordvintsev & "
    "Schubert 2017).",
    "change": "The mean difference over all places, as a share of what the layer answers to both pictures.",
    "unit": "One place of one channel’s map: a single number, which the network works out from what lies under it.",
    "silent": "Units whose value is zero or less: they pass nothing on.",
    "parameters": "The numbers that training changes: weights and biases.",
    "multiplications": "How often two numbers are multiplied for one picture: what most of the time goes into.",
    "dropout": "While training, this share of the units is set to zero at random, so that none is relied on alone.",
    "dense": "A layer whose every unit has a weight for every number before it; also called fully connected.",
    # --- what networks say
    "top-5": "The five most probable classes; a network is often called right if the true one is among them.",
    "logit": "A class’s score before softmax makes probabilities of all of them: any number, the larger the likelier.",
    "softmax": "Makes probabilities that add up to 1 of scores: each score’s exponential, divided by the sum of all.",
    "temperature": "What the logits are divided by before softmax: below 1 the network seems surer, above 1 less sure.",
    "entropy": "How spread the probabilities are, in bits: 0 if one class has everything, and most if all have the "
    "same.",
    "lead": "By how many percentage points the most probable class is ahead of the next one.",
    # --- why they say it
    "Grad-CAM": "Weighs a layer’s maps by how much each of them raises the class, and adds them up: where the class "
    "was seen.",
    "adversarial budget": "By how many of the 255 steps from black to white each colour of a pixel may go up or down.",
    "deletion": "The class’s mean probability while the pixels are greyed out, those that the map marks most first: "
    "lower is better (Petsiuk et al. 2018).",
    "insertion": "The class’s mean probability while the pixels come back into a blurred picture, those that the map "
    "marks most first: higher is better (Petsiuk et al. 2018).",
    "sanity check": "The weights are drawn anew, layer by layer: a map that stays the same shows nothing of what was "
    "learned (Adebayo et al. 2018).",
    # --- how they learn
    "embedding": "The numbers that a network turns a picture into before it names it: like pictures get like numbers.",
    "held out": "Pictures that are not learned from, to check with: near-duplicates and bursts stay on one side.",
    "seed": "What chance begins with: the same pictures, settings and seed give the same result.",
    "epoch": "One pass over all pictures that are learned from.",
    "step": "One change of all weights, after a look at a batch of a few pictures.",
    "learning rate": "How far each step changes the weights: too far, and the loss runs away; that is told, and the "
    "last good weights stay.",
    "augmentation": "Each picture is also learned from in changed copies, mirrored or cropped, say, which show the "
    "same thing.",
    # --- what they are worth
    "accuracy": "The share of pictures that are named rightly.",
    "95% interval": "Where the accuracy on all pictures like these probably lies: the fewer were checked, the wider.",
    "balanced accuracy": "The mean of the accuracies on each class alone: of two classes, always giving the same "
    "answer is worth 50%, however rare one is.",
    "baseline": "What one would get without learning: always naming the class that has the most pictures.",
    "precision": "Of the pictures that it named so, the share that are.",
    "recall": "Of the pictures that are, the share that it named so.",
    "F1": "The harmonic mean of precision and recall: high only if both are.",
    "confusion matrix": "How many pictures of each class (rows) were taken for which (columns): the diagonal is right.",
    "ROC": "How many of a class are found (up) for how many others taken for it (right), over all thresholds: an area "
    "of 0.5 is chance.",
    "threshold": "From which probability on it is named so. Higher: fewer are, and more of these are right. Lower: "
    "fewer of them are missed.",
    "none of these": "A picture that is unlike all that was learned from is none of the classes: its bar shows how "
    "far it is from them, and is full from the limit on.",
    "calibration": "Whether probabilities can be believed: of what it is 80% sure of, about 80% should be right.",
}


def term(name: str) -> str:
    """The sentence for help=…; KeyError for a word that is not among TERMS."""
    return TERMS[name]
