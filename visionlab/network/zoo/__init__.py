"""Which networks there are.

models.py is the table, and loading.py makes a Classifier of an entry. vgg.py and vgg_layers.py are VGG and its layers,
torchvision_nets.py torchvision's networks as steps.py has them, efficientnet_lite.py and oxford.py networks out of
packages, imagenet.py its classes. passes.py works out shapes, costs and receptive fields of any of them.
"""
