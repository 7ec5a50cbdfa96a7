// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A PCI driver that asks the PCI core to keep the bus mastering of its device over a kexec, and never
 * withdraws the request. It preserves nothing. It binds only to a device whose driver_override names it.
 */
#include <linux/module.h>
#include <linux/pci.h>

static int result;
module_param(result, int, 0644);
MODULE_PARM_DESC(result, "what the probe returns after it asked (default: 0)");

static int kho_master_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	/* the second request must change nothing */
	pci_kexec_keep_master(pdev, true);
	pci_kexec_keep_master(pdev, true);
	return result;
}

static struct pci_driver kho_master_driver = {
	.name = "kho_master",
	.probe = kho_master_probe,
};
module_pci_driver(kho_master_driver);

MODULE_DESCRIPTION("Ask for bus mastering over a kexec, for tests of the PCI core");
MODULE_LICENSE("GPL");
